// node validate.mjs FILE…: each manifest (.yaml) against the API's own schema of its kind, and against its TypeScript type,
// which also refuses keys that the API does not know: the API server would drop them without a word. Dashboards (.json)
// against Grafana's own type. Needs no cluster and no Grafana.
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { loadAll } from 'js-yaml';

const moduleOf = ({ apiVersion, kind }) =>
  `${apiVersion.startsWith('monitoring.coreos.com/') ? '@kubernetes-models/prometheus-operator' : 'kubernetes-models'}` +
  `/${apiVersion}/${kind}`;

const read = (ending) => process.argv.slice(2).filter((file) => file.endsWith(ending)).map((file) => readFileSync(file, 'utf8'));
const manifests = read('.yaml').flatMap((text) => loadAll(text));
const dashboards = read('.json').map((text) => JSON.parse(text));
for (const manifest of manifests) {
  const models = await import(moduleOf(manifest));
  new models[manifest.kind](manifest).validate();
}

const program = new URL('manifests.ts', import.meta.url).pathname;
const typed = manifests.map((manifest, i) =>
  `import type { I${manifest.kind} as Type${i} } from '${moduleOf(manifest)}';\n` +
  `export const manifest${i}: Type${i} = ${JSON.stringify(manifest, null, 2)};\n`);
typed.push(
  "import type { Dashboard } from '@grafana/schema/dist/esm/raw/dashboard/x/Dashboard_types.gen';\n" +
  // JSON has an enumeration's words, not its members.
  'type Json<T> = T extends string ? `${T}` : T extends object ? { [K in keyof T]: Json<T[K]> } : T;\n' +
  `export const dashboards: Json<Dashboard>[] = ${JSON.stringify(dashboards, null, 2)};\n`);
writeFileSync(program, typed.join(''));
try {
  const options = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', program];
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', ...options],
    { cwd: new URL('.', import.meta.url).pathname, stdio: ['ignore', 2, 2] });
} finally {
  rmSync(program);
}
for (const { kind, metadata } of manifests) console.log(`   ${kind} ${metadata.name}`);
for (const { title, panels } of dashboards) console.log(`   dashboard ${title}, ${panels.length} panels`);
