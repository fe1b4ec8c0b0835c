import type { Logger } from '@libp2p/interface';
import { AbstractStream, type SendResult } from '@libp2p/utils';
import { Uint8ArrayList } from 'uint8arraylist';

const log: Logger = Object.assign(() => undefined, {
  error: () => undefined,
  trace: () => undefined,
  enabled: false,
  newScope: () => log,
});

/** libp2p's own stream class (so its pause, resume and buffers are the real ones) on a transport that is a list. */
export class TestStream extends AbstractStream {
  readonly sent = new Uint8ArrayList();
  sends = 0;
  /** The muxer's view: false after a pause, until a resume. */
  flowing = true;
  /** Bytes the transport still takes. */
  room = Number.POSITIVE_INFINITY;

  constructor() {
    super({ id: '1', log, direction: 'outbound', protocol: '/test' });
  }

  override sendData(data: Uint8ArrayList): SendResult {
    const sentBytes = Math.min(this.room, data.byteLength);
    if (sentBytes > 0) this.sent.append(data.slice(0, sentBytes));
    this.room -= sentBytes;
    this.sends++;
    return { sentBytes, canSendMore: this.room > 0 };
  }

  drain(room: number): void {
    this.room = room;
    this.safeDispatchEvent('drain');
  }

  override sendPause(): void {
    this.flowing = false;
  }

  override sendResume(): void {
    this.flowing = true;
  }

  override sendReset(): void {}
  override async sendCloseWrite(): Promise<void> {}
  override async sendCloseRead(): Promise<void> {}
}
