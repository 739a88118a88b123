/** The fault suite itself: a source that does everything right passes it. */
import { describeFaults } from './faults.ts';
import { example, exampleSample } from './example.ts';

describeFaults(example, exampleSample);
