import type { Command } from 'commander';
import type { LayerStatistics } from '../geometry/index.js';
import type { CommandContext } from './command-context.js';
import { openProgress } from './open-progress.js';
import { examples, jsonOption } from './options.js';

type Column = readonly [heading: string, value: (layer: LayerStatistics) => string];

const columnsOf = (format: (value: number) => string): readonly Column[] => [
  ['LAYER', ({ layer }) => String(layer)],
  ['σ2/σ1', ({ sigma2OverSigma1 }) => format(sigma2OverSigma1)],
  ['CENTRED', ({ centred }) => format(centred.sigma2OverSigma1)],
  ['ENTROPY', ({ spectralEntropy }) => format(spectralEntropy)],
  ['EFF.RANK', ({ participationRatio }) => format(participationRatio)],
  ['TOP1', ({ top1 }) => format(top1)],
  ['IN MEAN', ({ meanEnergyShare }) => format(meanEnergyShare)],
  ['COSINE', ({ cosineToMean }) => format(cosineToMean.mean)],
  ['P05', ({ cosineToMean }) => format(cosineToMean.p05)],
  ['≥ 0.9', ({ cosineToMean }) => format(cosineToMean.shareAbove09)],
  ['U1·MEAN', ({ u1CosineToMean }) => format(u1CosineToMean)],
  ['‖Δh‖/‖h‖', ({ relativeNorm }) => format(relativeNorm)],
];

const LEGEND =
  'Displacements Δh = h_policy − h_base, uncentred but for CENTRED (σ2/σ1 of the centred rows). EFF.RANK is the ' +
  'participation ratio, TOP1 and IN MEAN are shares of the energy. COSINE, P05 and ≥\u00a00.9 are of cos(Δh, v̄) to the mean of ' +
  'the same prompts: in-sample, so no evidence of a claim by themselves.';

const runAnalyze = async (
  file: string,
  { json }: { json?: true },
  context: CommandContext,
): Promise<void> => {
  const { openActivations } = await import('../activations/index.js');
  const { analyzeLayers } = await import('../geometry/index.js');
  const reports = await import('../reports/index.js');
  const { stdout, environment } = context;
  const progress = await openProgress(context);
  const activations = await openActivations(file);
  const layers: LayerStatistics[] = [];
  try {
    const { n, d, hasPostNorm } = activations;
    const count = activations.layers + (hasPostNorm ? 1 : 0);
    const stage = progress.stage('analyze', count);
    for await (const statistics of analyzeLayers(activations, { count, n, d })) {
      layers.push(statistics);
      stage.advance();
    }
    stage.end();
  } finally {
    progress.clear();
    await activations.close();
  }
  if (json) {
    stdout.write(reports.toJson(layers));
    return;
  }
  const columns = columnsOf((value) => reports.formatNumber(value));
  const rows = [
    columns.map(([heading]) => heading),
    ...layers.map((layer) => columns.map(([, value]) => value(layer))),
  ];
  const [header = '', ...lines] = reports.alignColumns(
    rows,
    columns.map(() => true),
  );
  const style = reports.styleFor(reports.wantsColor(stdout, environment));
  const legend = reports.wrapText(LEGEND, reports.widthOf(stdout, environment)).join('\n');
  const { n, d } = activations;
  stdout.write(
    `${n} prompts, ${d} dimensions\n\n${style.bold(header)}\n${lines.join('\n')}\n\n${style.dim(legend)}\n`,
  );
};

export const addAnalyzeCommand = (program: Command, context: CommandContext): void => {
  program
    .command('analyze')
    .summary('spectra and cosines of captured hidden states, layer by layer')
    .description(
      'Spectra, entropies and cosines of the displacements between two models’ hidden states, layer by layer.',
    )
    .argument(
      '<file>',
      'activations: safetensors with base and policy (or dpo) [L, n, d], or a PyTorch .pt archive',
    )
    .addOption(jsonOption('an array with an entry per layer, singular values and centred spectrum included,'))
    .addHelpText(
      'after',
      examples(
        ['dsteer analyze reports/run/one-frame/activations.safetensors', 'what a run of verify captured'],
        ['dsteer analyze activations.pt --json > layers.json', 'states captured elsewhere, every number'],
      ),
    )
    .action((file: string, flags: { json?: true }) => runAnalyze(file, flags, context));
};
