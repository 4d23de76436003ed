// The main job in Emacs with lsp-mode instead of eglot, in a terminal, with real keys.

import { testMainJob } from '../lib/main-job-test.mjs';
import { Emacs } from './editor.mjs';

testMainJob('emacs-lsp-mode', { open: (side, path, log) => Emacs.open(side, path, log, { client: 'lsp-mode' }), encoding: 'utf-16', hasPage: false });
