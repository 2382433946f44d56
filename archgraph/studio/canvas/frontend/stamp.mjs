// Writes what the bundle was built from, so that a test without Node can tell a stale one (tests/studio/canvas).
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

const files = (folder) =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? files(`${folder}/${entry.name}`) : [`${folder}/${entry.name}`],
  );

const sources = [...files('src'), 'package.json', 'package-lock.json', 'tsconfig.json', 'vite.config.ts', 'NOTICE.md'].sort();
const hash = createHash('sha256');
for (const source of sources) hash.update(source).update('\0').update(readFileSync(source)).update('\0');
writeFileSync('../build/sources.sha256', `${hash.digest('hex')}\n`);
