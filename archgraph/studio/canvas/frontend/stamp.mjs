// Puts the bundle in place, each file at once, and writes what it was built from, so that a test without Node can tell a stale one
// (tests/studio/canvas).
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';

const files = (folder) =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? files(`${folder}/${entry.name}`) : [`${folder}/${entry.name}`],
  );

const sources = [...files('src'), 'package.json', 'package-lock.json', 'tsconfig.json', 'vite.config.ts', 'NOTICE.md'].sort();
const hash = createHash('sha256');
for (const source of sources) hash.update(source).update('\0').update(readFileSync(source)).update('\0');
writeFileSync('dist/sources.sha256', `${hash.digest('hex')}\n`);

const built = readdirSync('dist');
mkdirSync('../build', { recursive: true });
for (const name of built) {
  copyFileSync(`dist/${name}`, `../build/.${name}`);
  renameSync(`../build/.${name}`, `../build/${name}`);
}
for (const name of readdirSync('../build')) if (!built.includes(name)) rmSync(`../build/${name}`);
rmSync('dist', { recursive: true });
