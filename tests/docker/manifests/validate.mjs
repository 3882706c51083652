// node validate.mjs FILE…: each manifest against the API's own schema of its kind, and against its TypeScript type, which
// also refuses keys that the API does not know: the API server would drop them without a word. Needs no cluster.
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { loadAll } from 'js-yaml';

const moduleOf = ({ apiVersion, kind }) =>
  `${apiVersion.startsWith('monitoring.coreos.com/') ? '@kubernetes-models/prometheus-operator' : 'kubernetes-models'}` +
  `/${apiVersion}/${kind}`;

const manifests = process.argv.slice(2).flatMap((file) => loadAll(readFileSync(file, 'utf8')));
for (const manifest of manifests) {
  const models = await import(moduleOf(manifest));
  new models[manifest.kind](manifest).validate();
}

const program = new URL('manifests.ts', import.meta.url).pathname;
const typed = manifests.map((manifest, i) =>
  `import type { I${manifest.kind} as Type${i} } from '${moduleOf(manifest)}';\n` +
  `export const manifest${i}: Type${i} = ${JSON.stringify(manifest, null, 2)};\n`);
writeFileSync(program, typed.join(''));
try {
  const options = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', program];
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', ...options],
    { cwd: new URL('.', import.meta.url).pathname, stdio: ['ignore', 2, 2] });
} finally {
  rmSync(program);
}
for (const { kind, metadata } of manifests) console.log(`   ${kind} ${metadata.name}`);
