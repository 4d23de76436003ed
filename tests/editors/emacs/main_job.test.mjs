// The main job in Emacs, in a terminal, with real keys.

import { testMainJob } from '../lib/main-job-test.mjs';
import { Emacs } from './editor.mjs';

testMainJob('emacs', { open: Emacs.open, encoding: 'utf-8' });
