/** Names of metrics and controls: what a specification may ask for. Metric files under this folder compute them. */

/** Controls that train or perturb another policy and measure the same quantity on it. */
export const variantControls = ['placebo-noise', 'shuffled-labels', 'sft'] as const;
export type VariantControl = (typeof variantControls)[number];

export const controlIds = [
  ...variantControls,
  'random-directions',
  'pre-norm',
  'after-divergence',
  'other-tokens',
] as const;
export type ControlId = (typeof controlIds)[number];

export const controlTitles: Readonly<Record<ControlId, string>> = {
  'placebo-noise': 'weight noise with the same mean ‖Δh‖',
  'shuffled-labels': 'DPO on shuffled labels',
  sft: 'SFT on the chosen answers',
  'random-directions': '20 random directions of the same norm',
  'pre-norm': 'read before the final norm',
  'after-divergence': 'read after the completions diverge',
  'other-tokens': 'embeddings of two other tokens',
};

export interface MetricDescription {
  readonly title: string;
  /** Controls that make sense for it. */
  readonly controls: readonly ControlId[];
}

/** Laws that hold for any tensors, judged on random ones. */
export const propertyMetrics = {
  'logit-difference-identity': {
    title: 'share of random cases in which z_w − z_l = ⟨h, e_w − e_l⟩',
    controls: ['other-tokens', 'pre-norm'],
  },
  'gradient-law-property': {
    title: 'share of random cases in which ∇_h L = −β σ(−m) (e_w − e_l)',
    controls: ['pre-norm', 'after-divergence'],
  },
} as const satisfies Record<string, MetricDescription>;

const withDirections = [...variantControls, 'random-directions'] as const;

/** Quantities of an experiment's evidence, judged on its held-out prompts. */
export const promptMetrics = {
  'accuracy-gain': {
    title: 'rise of the share of prompts whose chosen answer is preferred',
    controls: variantControls,
  },
  'gradient-law-agreement': {
    title: 'share of prompts in which autodiff agrees with −β σ(−m) (e_w − e_l)',
    controls: [...variantControls, 'pre-norm', 'after-divergence'],
  },
  'cosine-to-steering-vector': { title: 'mean cos(Δh, v*)', controls: withDirections },
  'singular-value-ratio': { title: 'σ2/σ1 of ΔH', controls: variantControls },
  'leading-direction-cosine': {
    title: '|cos(u1, v*)|, u1 the leading right singular vector of ΔH',
    controls: withDirections,
  },
  'flips-installed': {
    title: 'share of changed preferences that base + v* takes on',
    controls: withDirections,
  },
  'flips-undone': {
    title: 'share of changed preferences that policy − v* takes back',
    controls: withDirections,
  },
  'margin-recovery': { title: '1 − Σ|m_inverted − m_base| / Σ|m_policy − m_base|', controls: withDirections },
  'energy-recovery': { title: '1 − Σ‖h_policy − v* − h_base‖² / Σ‖Δh‖²', controls: withDirections },
} as const satisfies Record<string, MetricDescription>;

export type PropertyMetric = keyof typeof propertyMetrics;
export type PromptMetric = keyof typeof promptMetrics;
export type MetricId = PropertyMetric | PromptMetric;

export const metricCatalogue: Readonly<Record<MetricId, MetricDescription>> = {
  ...propertyMetrics,
  ...promptMetrics,
};
export const metricIds = Object.keys(metricCatalogue) as [MetricId, ...MetricId[]];

export const isPropertyMetric = (id: MetricId): id is PropertyMetric => id in propertyMetrics;
