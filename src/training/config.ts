import type { PreferenceLossConfig } from './preference-losses.js';

/** What every trainer's optimiser is told: AdamW with β1 0.9, β2 0.999, ε 1e-8, unless it says otherwise. */
export interface OptimiserConfig {
  /** Default `adamw`. `sgd` is plain gradient descent, without momentum. */
  readonly optimiser?: 'adamw' | 'sgd' | undefined;
  /** Peak, reached after the warm-up. */
  readonly learningRate: number;
  /** Examples a step. */
  readonly batchSize: number;
  readonly warmupSteps: number;
  /** Where `warmupSteps` is 0: the share of all steps that is warm-up, rounded up. Default 0. */
  readonly warmupShare?: number | undefined;
  /** What follows the warm-up: the peak kept, or lowered to `finalRateShare` of it at the last step. */
  readonly schedule: 'constant' | 'linear' | 'cosine';
  /** Default 0. */
  readonly finalRateShare?: number | undefined;
  /** Gradients are scaled down to this global norm; 0 or infinity leaves them as they are. */
  readonly maxGradNorm: number;
  /** Decoupled, and of matrices only: gains of norms are not decayed (as Hugging Face's trainer does). */
  readonly weightDecay: number;
  /** Learning rate of token and position embeddings and W_U as a factor of the others'. Default 1. */
  readonly embeddingRateFactor?: number | undefined;
  /**
   * Examples that go through the model at once; gradients are added up over the batch. Default: all of the batch. It
   * changes memory, and results by rounding only.
   */
  readonly microBatchSize?: number | undefined;
  /** Compute activations a second time going back instead of keeping them: less memory, a third more work. */
  readonly recompute?: boolean | undefined;
}

/** Low-rank adaptation (arXiv 2106.09685): W·x + (alpha/rank)·B·A·x, of which A and B alone are trained. */
export interface LoraConfig {
  readonly rank: number;
  readonly alpha: number;
  /** Share of A's inputs dropped in training. Default 0. */
  readonly dropout?: number | undefined;
  /** Modules by the end of their names, such as q_proj. Default: PEFT's for the architecture. */
  readonly targetModules?: readonly string[] | undefined;
}

export interface FineTuningConfig extends OptimiserConfig {
  /** Passes over the data. */
  readonly epochs: number;
  /** `frozen` keeps E and W_U fixed. */
  readonly embeddings: 'frozen' | 'unfrozen';
  /** Names of more parameters to keep fixed. */
  readonly alsoFrozen?: readonly string[] | undefined;
  /**
   * Train adapters alone. Trainers merge them into the weights at the end, unless the caller made the adapter
   * (`TrainingOptions.adapter`) and so decides.
   */
  readonly lora?: LoraConfig | undefined;
}

export interface DpoConfig extends FineTuningConfig, PreferenceLossConfig {}

/** One optimiser step. Names are TRL's; `grad_norm` is the norm before clipping. */
export interface StepMetrics {
  /** Updates made before this one. Loss and log-probabilities are those of the weights before the update. */
  readonly step: number;
  readonly loss: number;
  readonly grad_norm: number;
  readonly learning_rate: number;
}

export interface DpoStepMetrics extends StepMetrics {
  readonly 'rewards/chosen': number;
  readonly 'rewards/rejected': number;
  readonly 'rewards/margins': number;
  readonly 'rewards/accuracies': number;
  readonly 'logps/chosen': number;
  readonly 'logps/rejected': number;
}
