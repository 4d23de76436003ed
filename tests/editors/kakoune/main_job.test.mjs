// The main job in Kakoune, in a terminal, with real keys.

import { testMainJob } from '../lib/main-job-test.mjs';
import { Kakoune } from './editor.mjs';

testMainJob('kakoune', { open: Kakoune.open, encoding: 'utf-8' });
