/**
 * Colours of charts, told apart by people with any colour vision (after Okabe and Ito, darkened for light paper). Specs
 * carry the light ones; on the page each becomes a custom property of the style sheet, so that charts follow the theme.
 */

interface ThemedColor {
  readonly light: string;
  readonly dark: string;
}

export const palette = {
  ink: { light: '#1b2027', dark: '#e9e7e2' },
  muted: { light: '#58616b', dark: '#a5adb5' },
  line: { light: '#dcdeda', dark: '#363c43' },
  band: { light: '#b9bec4', dark: '#4c545d' },
  paper: { light: '#fdfdfb', dark: '#15181c' },
  limit: { light: '#b23a1e', dark: '#ff8f70' },
  base: { light: '#6a7280', dark: '#9aa4b2' },
  policy: { light: '#0a67a6', dark: '#62b4f0' },
  steered: { light: '#c2570c', dark: '#f59b57' },
  inverted: { light: '#0b7a5b', dark: '#4cc7a0' },
  sft: { light: '#9a7200', dark: '#e2b84f' },
  shuffled: { light: '#a8507f', dark: '#e497c1' },
  noise: { light: '#5b52a3', dark: '#aaa2f0' },
} as const satisfies Record<string, ThemedColor>;

export type ColorName = keyof typeof palette;

const names = Object.keys(palette) as ColorName[];

const variable = (name: ColorName): string => `--chart-${name}`;

/** `--chart-ink: #…;` of every colour, for a style sheet. */
export const paletteRules = (theme: keyof ThemedColor): string =>
  names.map((name) => `${variable(name)}:${palette[name][theme]}`).join(';');

/** The colours of a light drawing as custom properties; other text stays as it is. */
export const withThemeColors = (svg: string): string =>
  names.reduce((text, name) => text.replaceAll(`"${palette[name].light}"`, `"var(${variable(name)})"`), svg);
