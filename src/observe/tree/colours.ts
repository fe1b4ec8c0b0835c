/** One for each letter: Okabe and Ito's first, told apart by all; the letter is the identity where two are alike. */
const PALETTE: readonly { readonly fill: string; readonly ink: string }[] = [
  { fill: '#0072B2', ink: '#ffffff' },
  { fill: '#E69F00', ink: '#000000' },
  { fill: '#009E73', ink: '#000000' },
  { fill: '#CC79A7', ink: '#000000' },
  { fill: '#56B4E9', ink: '#000000' },
  { fill: '#F0E442', ink: '#000000' },
  { fill: '#D55E00', ink: '#000000' },
  { fill: '#332288', ink: '#ffffff' },
  { fill: '#882255', ink: '#ffffff' },
  { fill: '#117733', ink: '#ffffff' },
  { fill: '#999933', ink: '#000000' },
  { fill: '#AA4499', ink: '#ffffff' },
  { fill: '#8B5A2B', ink: '#ffffff' },
  { fill: '#00CED1', ink: '#000000' },
  { fill: '#FF9DA7', ink: '#000000' },
  { fill: '#9ACD32', ink: '#000000' },
  { fill: '#7F0000', ink: '#ffffff' },
  { fill: '#111111', ink: '#ffffff' },
  { fill: '#B39DDB', ink: '#000000' },
  { fill: '#FFD8B1', ink: '#000000' },
  { fill: '#AAFFC3', ink: '#000000' },
  { fill: '#2F4F4F', ink: '#ffffff' },
  { fill: '#E6194B', ink: '#000000' },
  { fill: '#5F7FFF', ink: '#000000' },
  { fill: '#F032E6', ink: '#000000' },
  { fill: '#D3D3FF', ink: '#000000' },
];

const NOBODY = { fill: '#8a8f98', ink: '#000000' };

/** By a node's letter: A…Z, then N27…; grey for a block whose miner is unknown. */
export function colourOf(letter: string): { readonly fill: string; readonly ink: string } {
  const index = letter.length === 1 ? letter.charCodeAt(0) - 65 : Number(letter.slice(1)) - 1;
  return PALETTE[index % PALETTE.length] ?? NOBODY;
}
