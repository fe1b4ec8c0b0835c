import { clockSpan } from '../../observe/words/words.ts';
import type { App } from '../state/app.ts';
import { useWidth } from '../state/use-width.ts';

/** Time from left to right: a tick a block, ◆ a reorg, shaded while cut. Click goes there. */

const HEIGHT = 34;

export function Timeline({ app }: { app: App }) {
  const { run } = app;
  const from = run.first?.t ?? 0;
  const to = Math.max(run.last?.t ?? 1, from + 1);
  return (
    <footer class="timeline">
      <Player app={app} />
      <Strip app={app} from={from} to={to} />
      <div class="moment">
        {run.isLive ? (
          <Live app={app} atEnd={`END ${clockSpan(to - from)}`} />
        ) : (
          <span class="past-words">
            {clockSpan((run.current?.t ?? to) - from)}, {app.isExported ? 'the end' : 'live'} is{' '}
            {clockSpan(to - from)}{' '}
            <button type="button" class="main" onClick={() => app.goLive()}>
              {app.isExported ? 'to the end' : 'go live'}
            </button>
          </span>
        )}
        <span class="last-line">{run.story.lines.at(-1)?.text ?? ''}</span>
      </div>
    </footer>
  );
}

function Player({ app }: { app: App }) {
  return (
    <div class="player">
      <button type="button" onClick={() => app.play()} aria-label={app.isPlaying ? 'Pause' : 'Play'}>
        {app.isPlaying ? '❚❚' : '▶'}
      </button>
      {[1, 4, 16].map((speed) => (
        <button
          key={speed}
          type="button"
          class={app.speed === speed ? 'on' : ''}
          onClick={() => {
            app.speed = speed;
            app.changed();
          }}
        >
          {speed}×
        </button>
      ))}
      <button type="button" onClick={() => app.stop(-1)} aria-label="One event back">
        ‹
      </button>
      <button type="button" onClick={() => app.stop(1)} aria-label="One event on">
        ›
      </button>
      <button type="button" onClick={() => app.stop(-1, 'reorg')} title="To the reorg before (Shift ←)">
        ◆‹
      </button>
      <button type="button" onClick={() => app.stop(1, 'reorg')} title="To the next reorg (Shift →)">
        ›◆
      </button>
    </div>
  );
}

function Strip({ app, from, to }: { app: App; from: number; to: number }) {
  const { run } = app;
  const [svg, width] = useWidth<SVGSVGElement>(600);
  const x = (t: number) => 6 + ((t - from) / (to - from)) * (width - 12);
  const now = run.current?.t ?? to;
  const go = (event: PointerEvent) => {
    const box = (event.currentTarget as SVGElement).getBoundingClientRect();
    const t = from + ((event.clientX - box.left - 6) / (box.width - 12)) * (to - from);
    const count = run.countAt(t);
    if (count >= run.events.length) app.goLive();
    else app.seek(count);
  };
  const ticks = thinned(run.marks.blocks.filter((t) => t >= from)).map((t) => `M${x(t).toFixed(1)} 9V25`);
  return (
    <svg
      class="strip"
      ref={svg}
      viewBox={`0 0 ${width} ${HEIGHT}`}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        go(event);
      }}
      onPointerMove={(event) => {
        if (event.buttons === 1) go(event);
      }}
      role="img"
      aria-label={`Time: event ${run.position} of ${run.events.length}`}
    >
      <rect class="strip-back" width={width} height={HEIGHT} />
      {run.marks.cuts.map((cut) => (
        <rect
          key={cut.from}
          class="strip-cut"
          x={x(cut.from)}
          width={Math.max(2, x(cut.to ?? to) - x(cut.from))}
          y="4"
          height={HEIGHT - 8}
        />
      ))}
      <path class="strip-ticks" d={ticks.join('')} />
      {thinnedReorgs(run.marks.reorgs).map((reorg) => {
        const at = x(reorg.t);
        return (
          <path key={reorg.seq} class="strip-reorg" d={`M${at - 4} 17L${at} 7L${at + 4} 17L${at} 27Z`} />
        );
      })}
      <line class="strip-now" x1={x(now)} x2={x(now)} y1="0" y2={HEIGHT} />
    </svg>
  );
}

function Live({ app, atEnd }: { app: App; atEnd: string }) {
  if (app.isExported) return <span class="live">{atEnd}</span>;
  if (app.silentSince === undefined) return <span class="live">LIVE ●</span>;
  return <span class="live silent">SILENT ○ {app.silenceWords}</span>;
}

/** More ticks than pixels say nothing. */
function thinned(times: readonly number[]): readonly number[] {
  const every = Math.ceil(times.length / 800);
  return every <= 1 ? times : times.filter((_, i) => i % every === 0);
}

function thinnedReorgs(reorgs: App['run']['marks']['reorgs']): App['run']['marks']['reorgs'] {
  return reorgs.slice(-300);
}
