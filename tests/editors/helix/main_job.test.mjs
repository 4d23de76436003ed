// The main job in Helix, in a terminal, with real keys.

import { testMainJob } from '../lib/main-job-test.mjs';
import { Helix } from './editor.mjs';

testMainJob('helix', { open: Helix.open, encoding: 'utf-8' });
