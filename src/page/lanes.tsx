import { type LaneSpan, type LaneState, type Lanes, laneWords } from '../observe/state/lanes.ts';
import { RECENT, type SeenPayment } from '../observe/state/story.ts';
import { byLetter } from '../observe/words/words.ts';
import { PaymentChip } from './panels/drawer.tsx';
import type { App } from './state/app.ts';
import { useWidth } from './state/use-width.ts';

/** One payment on every node, over time: unknown, waiting, confirmed so deep, undone. */

const LANE = 24;

export function PaymentPanel({ app }: { app: App }) {
  const { story, current } = app.run;
  const newest = story.newestPayments(RECENT);
  const picked = shownPayment(app);
  if (picked === undefined) {
    return (
      <section class="panel payment" aria-label="One payment">
        <h2>One payment</h2>
        <p class="empty">
          No payment yet. {app.mayAct ? 'Pay someone, or spend one coin twice during a cut.' : ''}
        </p>
      </section>
    );
  }
  const nodes = [...app.letters].sort(byLetter);
  const lanes = app.run.lanesOf(picked.txid, nodes);
  const rival = picked.rival === undefined ? undefined : app.run.lanesOf(picked.rival, nodes);
  const until = Math.max(current?.t ?? 0, (lanes.from ?? 0) + 2_000);
  return (
    <section class="panel payment" aria-label="One payment">
      <h2>
        One payment: {story.nameOf(picked.txid)} <span class="id">…{picked.txid.slice(-6)}</span>
        {picked.rival !== undefined && (
          <span class="rival-words"> ◐ one coin, two payments: at most one can stay</span>
        )}
      </h2>
      <p class="chips">
        {newest.map((p) => (
          <PaymentChip key={p.txid} app={app} txid={p.txid} />
        ))}
      </p>
      <div class="lanes">
        {nodes.map((node) => (
          <Lane key={node} app={app} node={node} lanes={lanes} rival={rival} until={until} />
        ))}
      </div>
      <p class="lane-legend">
        <i class="key unknown" /> unknown <i class="key waiting" /> waiting <i class="key confirmed">2</i>{' '}
        confirmations <i class="key undone">✕</i> undone
      </p>
    </section>
  );
}

/** The one that was chosen; else the newest with a story to tell. */
export function shownPayment(app: App): SeenPayment | undefined {
  const { story } = app.run;
  return story.payments.get(app.payment ?? '') ?? story.tellingPayment();
}

interface LaneProps {
  readonly app: App;
  readonly node: string;
  readonly lanes: Lanes;
  readonly rival: Lanes | undefined;
  readonly until: number;
}

function Lane({ app, node, lanes, rival, until }: LaneProps) {
  const spans = lanes.byNode.get(node) ?? [];
  const state = lastOf(lanes, node);
  const from = lanes.from ?? until - 2_000;
  const length = until - from;
  const [svg, width] = useWidth<SVGSVGElement>(560);
  const x = (t: number) => 12 + ((width - 24) * Math.max(0, t - from)) / length;
  const first = spans[0]?.t ?? until;
  const words = laneWords(state, app.run.forest, {
    nameOf: (txid) => app.run.story.nameOf(txid),
    rival: rival === undefined ? undefined : { txid: rival.txid, state: lastOf(rival, node) },
  });
  return (
    <div class="lane" data-lane={node} data-state={state.kind}>
      <b>{node}</b>
      <svg ref={svg} viewBox={`0 0 ${width} ${LANE}`} aria-hidden="true">
        <line class="unknown" x1="0" x2={x(first)} y1={LANE / 2} y2={LANE / 2} />
        {spans.map((span, i) => (
          <SpanBar key={span.t} span={span} from={x(span.t)} to={x(spans[i + 1]?.t ?? until)} />
        ))}
      </svg>
      <span class={`words ${state.kind}`}>{words}</span>
    </div>
  );
}

function lastOf(lanes: Lanes, node: string): LaneState {
  return lanes.byNode.get(node)?.at(-1)?.state ?? { kind: 'unknown' };
}

function SpanBar({ span, from, to }: { span: LaneSpan; from: number; to: number }) {
  const width = Math.max(1.5, to - from);
  const { state } = span;
  if (state.kind === 'unknown') return <line class="unknown" x1={from} x2={to} y1={LANE / 2} y2={LANE / 2} />;
  const depth = state.kind === 'confirmed' ? state.depth : 0;
  return (
    <g class={`span ${state.kind}`}>
      <rect
        x={from}
        y="3"
        width={width}
        height={LANE - 6}
        style={depth > 0 ? { opacity: 0.4 + 0.05 * depth } : {}}
      />
      {depth > 0 && width > 11 && (
        <text x={from + width / 2} y={LANE / 2 + 5}>
          {depth}
        </text>
      )}
      {(state.kind === 'undone' || state.kind === 'gone') && (
        <text x={from + 8} y={LANE / 2 + 5}>
          ✕
        </text>
      )}
    </g>
  );
}
