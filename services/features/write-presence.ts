/** `npm run features:presence`: measures presence on the recordings in TRIBUTARY_DATA (default: shared/data beside the repository). */
import { writeFile } from 'node:fs/promises';
import { sharedData } from '#libs/history/shared-data.ts';
import { contextRecording } from './context-recording.ts';
import { candleRecording, measurePresence, type Recording, tickRecording } from './measure-presence.ts';
import { PRESENCE_FILE } from './presence.ts';

const CANDLES = 'btc-1m-4venues-2023-03-01_2023-03-14.csv.gz';
const TICKS = 'ticks/btc-bbo-5venues-2025-09-26T1848_1917.csv.gz';

const recordings: Recording[] = [];
const candles = sharedData(CANDLES);
if (candles !== undefined) recordings.push(candleRecording(candles));
const ticks = sharedData(TICKS);
if (ticks !== undefined) recordings.push(tickRecording(ticks));
recordings.push(contextRecording());
await writeFile(PRESENCE_FILE, `${JSON.stringify(await measurePresence(recordings), undefined, 2)}\n`);
