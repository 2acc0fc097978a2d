/**
 * Compiles src/engine/kernels/assembly to dist/engine/kernels/: kernels.wasm in plain SIMD, and kernels-fused.wasm with
 * the fused multiply-add of relaxed SIMD, which is used where the runtime has it.
 *
 * The modules share the heap of tfjs's wasm backend, so they must bring no static data of their own: that would
 * overwrite tensors when one is instantiated. The build fails if they do.
 */

import { mkdirSync, readFileSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const DATA_SECTION = 11;
const BUILDS = [
  { file: 'kernels.wasm', features: ['simd'] },
  { file: 'kernels-fused.wasm', features: ['simd', 'relaxed-simd'] },
];

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, 'dist', 'engine', 'kernels');

/** Ids of a module's sections, in order. */
const sections = (bytes) => {
  const ids = [];
  let at = 8;
  while (at < bytes.length) {
    ids.push(bytes[at++]);
    let size = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      size |= (byte & 127) << shift;
      if (byte < 128) break;
    }
    at += size;
  }
  return ids;
};

const build = async ({ file, features }) => {
  const output = join(folder, file);
  const temporary = `${output}.${process.pid}`;
  const { error, stderr } = await asc.main([
    'src/engine/kernels/assembly/index.ts',
    '--outFile',
    temporary,
    ...features.flatMap((feature) => ['--enable', feature]),
    '--importMemory',
    '--runtime',
    'stub',
    '--noAssert',
    '--use',
    'abort=',
    '-O3',
    '--baseDir',
    root,
  ]);
  if (error) {
    process.stderr.write(stderr.toString());
    throw error;
  }
  if (sections(readFileSync(temporary)).includes(DATA_SECTION)) {
    throw new Error(`${file} brings static data: it would overwrite tensors`);
  }
  renameSync(temporary, output);
};

mkdirSync(folder, { recursive: true });
for (const each of BUILDS) await build(each);
