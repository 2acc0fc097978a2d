/** Writes schemas/dsteer.schema.json, by which editors complete and check specifications. */
import { join } from 'node:path';
import { specJsonSchema } from '../src/claims/index.js';
import { stableJson, writeFileAtomic } from '../src/store/index.js';

await writeFileAtomic(join('schemas', 'dsteer.schema.json'), stableJson(specJsonSchema()));
