/** Okabe and Ito's colours, told apart by all; the letter is the identity, so they may repeat. */
const PALETTE: readonly { readonly fill: string; readonly ink: string }[] = [
  { fill: '#0072B2', ink: '#ffffff' },
  { fill: '#E69F00', ink: '#000000' },
  { fill: '#009E73', ink: '#000000' },
  { fill: '#CC79A7', ink: '#000000' },
  { fill: '#56B4E9', ink: '#000000' },
  { fill: '#F0E442', ink: '#000000' },
];

const NOBODY = { fill: '#8a8f98', ink: '#000000' };

/** By a node's letter: A…Z, then N27…; grey for a block whose miner is unknown. */
export function colourOf(letter: string): { readonly fill: string; readonly ink: string } {
  const index = letter.length === 1 ? letter.charCodeAt(0) - 65 : Number(letter.slice(1)) - 1;
  return PALETTE[index % PALETTE.length] ?? NOBODY;
}
