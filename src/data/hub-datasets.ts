/** A data set of the Hugging Face hub, pinned: which revision, and the SHA-256 of each of its files. */
export interface HubDataset {
  /** Owner and name. */
  readonly repository: string;
  /** Commit. */
  readonly revision: string;
  readonly licence: string;
  /** What to know before reading it. */
  readonly notice: string;
  readonly files: readonly { readonly path: string; readonly sha256: string }[];
}

export const hubDatasets = {
  hh: {
    repository: 'Anthropic/hh-rlhf',
    revision: '09be8c5bbc57cb3887f3a9732ad6aa7ec602a1fa',
    licence: 'MIT',
    notice: 'contains offensive and harmful requests and answers, which are there to be judged',
    files: [
      {
        path: 'harmless-base/train.jsonl.gz',
        sha256: 'bf3e1ecd3db61bf21d190f69351d26670c67aababa0fd282fa008c17a7202217',
      },
      {
        path: 'harmless-base/test.jsonl.gz',
        sha256: 'ebfaaed21162a4de120ae85366075b34425e2a6303fac59b99555002f7016f03',
      },
      {
        path: 'helpful-base/train.jsonl.gz',
        sha256: '518a5bf288456fc9f3b7c980c54116fba0c52f274d3f4d344675d83e4058f6f4',
      },
      {
        path: 'helpful-base/test.jsonl.gz',
        sha256: '8be3fc1a13b27901631696f2be6f184c799f1baeaf145f53ac5db24960adc37b',
      },
    ],
  },
  oasst1: {
    repository: 'OpenAssistant/oasst1',
    revision: 'fdf72ae0827c1cda404aff25b6603abec9e3399b',
    licence: 'Apache-2.0',
    notice: 'many languages, and some messages written by models: see --language and --human-only of inspect',
    files: [
      {
        path: '2023-04-12_oasst_ready.trees.jsonl.gz',
        sha256: '2a9a8fd343e9b28e04a895a669d3253f82d93e9c174d440199ae19d5fafbdff7',
      },
    ],
  },
} as const satisfies Readonly<Record<string, HubDataset>>;

export type HubDatasetName = keyof typeof hubDatasets;

export const hubDatasetNames = Object.keys(hubDatasets) as HubDatasetName[];
