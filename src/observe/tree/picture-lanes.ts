import { escapeXml } from '../chart/plot.ts';
import type { Forest } from '../state/forest.ts';
import { type LaneSpan, type LaneState, type Lanes, laneWords } from '../state/lanes.ts';
import type { Story } from '../state/story.ts';
import { fitted, textWidth } from '../words/text-width.ts';
import { byLetter, tail } from '../words/words.ts';

/** The lanes of one payment, as the lower part of a picture. */

const LANE = 26;
const HEAD = 34;
const TEXT_SIZE = 12;
/** For a node's letter, and for the words behind its lane at least. */
const LEFT = 40;
const WORDS = 310;
/** For the lanes themselves, where the words are long. */
const LEAST_ROOM = 360;
/** Longer words are cut: names in a log may be of any length. */
const MOST_WORDS = 700;

export function lanesSvg(
  forest: Forest,
  story: Story,
  lanes: Lanes,
  until: number,
  least: number,
): { readonly svg: string; readonly height: number; readonly width: number } {
  const nodes = [...lanes.byNode.keys()].sort(byLetter);
  const from = lanes.from ?? until;
  const end = Math.max(until, from + 2_000);
  const said = new Map(
    nodes.map((node) => {
      const state: LaneState = lanes.byNode.get(node)?.at(-1)?.state ?? { kind: 'unknown' };
      const words = fitted(laneWords(state, forest, { nameOf: tail }), MOST_WORDS, TEXT_SIZE, true);
      return [node, { state, words }];
    }),
  );
  const longest = Math.max(0, ...[...said.values()].map(({ words }) => textWidth(words, TEXT_SIZE, true)));
  const wordsWidth = Math.max(WORDS, longest + 24);
  const width = Math.max(least, LEFT + LEAST_ROOM + wordsWidth);
  const room = width - LEFT - wordsWidth;
  const x = (t: number) => Math.round((LEFT + (room * Math.max(0, t - from)) / (end - from)) * 10) / 10;
  const rows = nodes.map((node, i) => {
    const spans = lanes.byNode.get(node) ?? [];
    const { state, words } = said.get(node)!;
    const y = HEAD + i * LANE + LANE / 2;
    const first = x(spans[0]?.t ?? end);
    const bars = spans.map((span, j) => spanSvg(span, x(span.t), x(spans[j + 1]?.t ?? end), y));
    return (
      `<text class="bold" x="16" y="${y + 4}">${escapeXml(node)}</text>` +
      `<line class="unknown" x1="${LEFT}" x2="${first}" y1="${y}" y2="${y}"/>${bars.join('')}` +
      `<text class="${state.kind === 'undone' ? 'undone bold' : ''}" x="${width - wordsWidth + 12}" y="${y + 4}">${escapeXml(words)}</text>`
    );
  });
  const title = fitted(
    `One payment: ${story.nameOf(lanes.txid)} ${tail(lanes.txid)}`,
    width - 32,
    TEXT_SIZE,
    true,
  );
  return {
    svg: `<text class="bold" x="16" y="18">${escapeXml(title)}</text>${rows.join('')}`,
    height: HEAD + nodes.length * LANE + 8,
    width,
  };
}

function spanSvg({ state }: LaneSpan, from: number, to: number, y: number): string {
  const width = Math.max(1.5, Math.round((to - from) * 10) / 10);
  const box = (style: string) => `<rect x="${from}" y="${y - 9}" width="${width}" height="18" ${style}/>`;
  switch (state.kind) {
    case 'unknown':
      return `<line class="unknown" x1="${from}" x2="${to}" y1="${y}" y2="${y}"/>`;
    case 'waiting':
      return box('fill="url(#hatch)" stroke="#8a939e"');
    case 'confirmed': {
      const opacity = (0.4 + 0.05 * state.depth).toFixed(2);
      const text =
        width > 11 ? `<text class="mid bold" x="${from + width / 2}" y="${y + 4}">${state.depth}</text>` : '';
      return box(`fill="#56b4e9" fill-opacity="${opacity}"`) + text;
    }
    default:
      return `${box('fill="none" stroke="#b84a00" stroke-width="1.5"')}<text class="undone" x="${from + 4}" y="${y + 4}">✕</text>`;
  }
}
