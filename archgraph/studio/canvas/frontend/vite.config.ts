import react from '@vitejs/plugin-react';
import { copyFileSync } from 'node:fs';
import { defineConfig } from 'vite';

const out = 'dist'; // stamp.mjs puts it in place: a studio that runs meanwhile must not miss a file

// Vite's library mode cannot bundle a worker that is found by import.meta.url, so ELK's own file is copied as it is.
const elk = {
  name: 'copy-elk',
  closeBundle() {
    copyFileSync('node_modules/elkjs/lib/elk-worker.min.js', `${out}/elk-worker.min.js`);
    copyFileSync('node_modules/elkjs/LICENSE.md', `${out}/elk-LICENSE.md`);
    copyFileSync('NOTICE.md', `${out}/NOTICE.md`);
  },
};

export default defineConfig({
  base: './',
  plugins: [react(), elk],
  define: { 'process.env.NODE_ENV': '"production"' },
  build: {
    outDir: out,
    emptyOutDir: true,
    sourcemap: false,
    minify: 'oxc',
    rolldownOptions: { output: { minify: true } },
    lib: { entry: 'src/index.tsx', formats: ['es'], fileName: () => 'index.js' },
  },
});
