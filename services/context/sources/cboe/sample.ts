/** Answers of Cboe's making, with numbers of ours. */
import { text } from '../../testing/recorded.ts';
import { type SourceSample } from '../../testing/sample.ts';

const ROWS = [
  ...['11/13/2026,18.210000,19.330000,17.980000,18.450000', '11/16/2026,18.400000,18.900000,17.100000,17.310000'],
  ...['11/17/2026,17.500000,18.200000,17.300000,17.940000', '11/18/2026,17.900000,20.100000,17.800000,19.660000'],
];

export const cboeSample: SourceSample = {
  now: Date.UTC(2026, 10, 19, 12),
  answers: { '/VIX_History.csv': text(`DATE,OPEN,HIGH,LOW,CLOSE\r\n${ROWS.join('\r\n')}\r\n`) },
};
