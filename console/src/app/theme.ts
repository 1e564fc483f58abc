/** One design, light and dark. Colours that mean something stand in `styles.css` as `--op-…`. */
import { createTheme, defaultVariantColorsResolver, Input, Tooltip, type CSSVariablesResolver, type MantineColorsTuple, type VariantColorsResolver } from '@mantine/core';

/** The accent: petrol. Shade 7 on white and shade 3 on the dark ground pass AA with room. */
const petrol: MantineColorsTuple = [
  '#e9f7f9', '#d3ecf0', '#a5dae2', '#71c6d2', '#42adbc', '#1f93a4', '#117a8b', '#0b6170', '#094f5c', '#063c46',
];
/** Greys with a breath of the accent. */
const gray: MantineColorsTuple = [
  '#f6f8f8', '#edf1f2', '#dfe5e7', '#cbd4d7', '#a9b6ba', '#7d8d93', '#5a6a71', '#43525a', '#2b383f', '#172127',
];
const dark: MantineColorsTuple = [
  '#e3eaec', '#b9c6ca', '#9eaeb4', '#6f8087', '#3a4a51', '#2a383f', '#1e2a30', '#172127', '#11191e', '#0b1114',
];
const red: MantineColorsTuple = [
  '#fdeeed', '#fadad7', '#f4b1ab', '#ee867d', '#e66256', '#d64437', '#c23227', '#a3271e', '#831e17', '#641610',
];

export const FONT = '-apple-system, BlinkMacSystemFont, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", Arial, sans-serif';
export const FONT_MONO = 'ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace';

/** Filled grounds are dark in the light theme and light in the dark one; Mantine looks at one of them alone. */
const variantColors: VariantColorsResolver = (input) => {
  const colors = defaultVariantColorsResolver(input);
  return input.variant === 'filled' ? { ...colors, color: 'var(--op-on-fill)' } : colors;
};

export const theme = createTheme({
  variantColorResolver: variantColors,
  colors: { petrol, gray, dark, red },
  primaryColor: 'petrol',
  primaryShade: { light: 7, dark: 3 },
  autoContrast: true,
  luminanceThreshold: 0.34,
  black: '#172127',
  fontFamily: FONT,
  fontFamilyMonospace: FONT_MONO,
  defaultRadius: 'md',
  radius: { xs: '2px', sm: '4px', md: '6px', lg: '10px', xl: '16px' },
  headings: { fontFamily: FONT, fontWeight: '650' },
  respectReducedMotion: true,
  cursorType: 'pointer',
  focusRing: 'auto',
  components: {
    // Explanations stand below, so that fields side by side stand in one line.
    InputWrapper: Input.Wrapper.extend({ defaultProps: { inputWrapperOrder: ['label', 'input', 'description', 'error'] } }),
    Tooltip: Tooltip.extend({ defaultProps: { openDelay: 300, multiline: true, maw: 320, events: { hover: true, focus: true, touch: true } } }),
  },
});

/** Where Mantine's own choice of a colour is too faint. */
export const variables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': '#52616a',
    '--mantine-color-body': '#ffffff',
    '--mantine-color-error': '#b3271d',
    '--mantine-color-anchor': '#0b6170',
    '--mantine-color-placeholder': '#63727a',
    '--mantine-color-yellow-outline': 'var(--op-warn-text)',
  },
  dark: {
    '--mantine-color-dimmed': '#a3b2b8',
    '--mantine-color-body': '#172127',
    '--mantine-color-error': '#ff9a90',
    '--mantine-color-anchor': '#71c6d2',
    '--mantine-color-placeholder': '#8b9ba2',
    // Derived from the primary shade, they would be all but white.
    '--mantine-color-petrol-outline': 'var(--op-accent)',
    '--mantine-color-red-outline': 'var(--op-bad)',
    '--mantine-color-red-light-color': 'var(--op-bad-text)',
    '--mantine-color-yellow-outline': 'var(--op-warn)',
  },
});
