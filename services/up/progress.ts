/** Progress of backfill and training: a bar at a terminal, a log line every quarter elsewhere. */
import { SingleBar } from 'cli-progress';
import { type Logger } from '#libs/telemetry/logger.ts';

export interface Progress {
  /** `done` of `total`, any unit. */
  update(done: number, total: number): void;
  stop(): void;
}

export function showProgress(label: string, logger: Logger): Progress {
  return process.stderr.isTTY ? bar(label) : lines(label, logger);
}

function bar(label: string): Progress {
  const shown = new SingleBar({
    format: `${label.padEnd(10)} {bar} {percentage} %`,
    hideCursor: true,
    clearOnComplete: false,
    stream: process.stderr,
  });
  shown.start(1, 0);
  return {
    update: (done, total) => {
      shown.setTotal(total);
      shown.update(done);
    },
    stop: () => {
      shown.stop();
    },
  };
}

function lines(label: string, logger: Logger): Progress {
  let quarter = 0;
  return {
    update: (done, total) => {
      const reached = total === 0 ? 4 : Math.floor((done / total) * 4);
      if (reached <= quarter) return;
      quarter = reached;
      logger.info({ done, total }, `${label} ${reached * 25} %`);
    },
    stop: () => undefined,
  };
}
