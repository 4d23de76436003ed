;;; agent.el --- A team's Markdown artifacts, kept in step  -*- lexical-binding: t; -*-

;; Version: 0.1.0
;; Package-Requires: ((emacs "29.1"))
;; Keywords: tools, convenience
;; SPDX-License-Identifier: Apache-2.0

;;; Commentary:

;; `agent lsp' through eglot, which Emacs has, or through lsp-mode: what teammates
;; change shows as diagnostics, and conflicts are settled by code actions.
;;
;;   (add-to-list 'load-path "/path/to/editors/emacs")
;;   (require 'agent)
;;   (agent-global-mode 1)
;;
;; This file owns which buffers get the server, the mode line and the commands.
;; What is shown and offered comes from the server, by way of flymake, eldoc and the
;; code actions of eglot or lsp-mode.  No key is bound; see `agent-command-map'.

;;; Code:

(require 'eglot)
(require 'project)
(require 'seq)

(defgroup agent nil
  "A team's Markdown artifacts, kept in step."
  :group 'tools
  :prefix "agent-")

(defcustom agent-command '("agent" "lsp")
  "The language server and its arguments."
  :type '(repeat string))

(defcustom agent-client 'eglot
  "What talks to the language server.  Loading lsp-mode is left to you."
  :type '(choice (const eglot) (const lsp-mode)))

(defcustom agent-files "\\.\\(?:md\\|markdown\\|ya?ml\\)\\'"
  "The files that the server is told of, in folders with a folder .agent."
  :type 'regexp)

;;;; Which buffers

(defconst agent--eglot-program
  '(((markdown-mode :language-id "markdown") (gfm-mode :language-id "markdown")
     (markdown-ts-mode :language-id "markdown") (text-mode :language-id "markdown")
     (yaml-mode :language-id "yaml") (yaml-ts-mode :language-id "yaml"))
    . agent--contact)
  "For `eglot-server-programs': one server for all of these modes.")

(defun agent--root (&optional file)
  "The nearest folder above FILE, or this buffer's, with a folder .agent."
  (when-let* ((file (or file buffer-file-name))
              (root (locate-dominating-file
                     file (lambda (folder) (file-directory-p (expand-file-name ".agent" folder))))))
    (expand-file-name root)))

(defun agent--project (folder)
  "The workspace that FOLDER is in, as a project, for eglot alone."
  (when-let* (((bound-and-true-p eglot-lsp-context))
              (root (agent--root folder)))
    (list 'agent root)))

(cl-defmethod project-root ((project (head agent)))
  "The root of a workspace PROJECT."
  (cadr project))

;;;###autoload
(define-minor-mode agent-mode
  "Diagnostics and actions for what the team changes in this file."
  :lighter (:eval (agent--lighter))
  (if (not agent-mode)
      (remove-hook 'project-find-functions #'agent--project t)
    ;; The server may bring a file up to date in the moment after it was read.
    (auto-revert-mode 1)
    (if (eq agent-client 'lsp-mode)
        (agent--lsp)
      (add-hook 'project-find-functions #'agent--project -50 t)
      ;; Here alone, so that Markdown elsewhere has the server that it had.
      (setq-local eglot-server-programs (cons agent--eglot-program eglot-server-programs))
      (eglot-ensure))))

(defun agent--turn-on ()
  "Turn on `agent-mode' where it belongs."
  (when (and buffer-file-name
             (string-match-p agent-files buffer-file-name)
             (not (file-remote-p buffer-file-name))
             (agent--root))
    ;; No language server without a major mode, and `markdown-mode' is a package
    ;; that not everybody has.
    (when (eq major-mode 'fundamental-mode) (text-mode))
    (unless agent-mode (agent-mode 1))))

;;;###autoload
(define-globalized-minor-mode agent-global-mode agent-mode agent--turn-on
  :group 'agent)

;;;; Through eglot

(defclass agent-eglot-server (eglot-lsp-server) ()
  :documentation "A connection to the language server of agent.")

(defun agent--contact (&rest _)
  "For eglot: the class of the connection, and the command."
  (cons 'agent-eglot-server agent-command))

(cl-defmethod eglot-client-capabilities :around ((_server agent-eglot-server))
  "What eglot can do, and that the status is heard of here."
  (plist-put (copy-sequence (cl-call-next-method)) :experimental '(:agentStatus t)))

(cl-defmethod eglot-handle-notification
  ((_server agent-eglot-server) (_method (eql agent/status)) &rest status)
  "Show a new STATUS."
  (agent--hear status))

;;;; Through lsp-mode

(declare-function lsp "lsp-mode")
(declare-function lsp-register-client "lsp-mode")
(declare-function lsp-stdio-connection "lsp-mode")
(declare-function lsp-request-async "lsp-mode")
(declare-function lsp-execute-code-action "lsp-mode")
(declare-function lsp-workspace-folders-add "lsp-mode")
(declare-function make-lsp-client "lsp-mode")

(defvar lsp-language-id-configuration)
(defvar agent--lsp-registered nil
  "Whether lsp-mode knows the server.")

(defconst agent--commands
  '("agent.resolve" "agent.move" "agent.setState" "agent.new" "agent.compare"
    "agent.push" "agent.pull" "agent.restore" "agent.undo" "agent.signIn" "agent.signOut")
  "The commands of code actions.")

(defun agent--lsp ()
  "Start lsp-mode here."
  (require 'lsp-mode)
  (unless agent--lsp-registered
    (agent--lsp-register)
    (setq agent--lsp-registered t))
  ;; Or it would ask which folder is meant, and propose the one of the file.
  (lsp-workspace-folders-add (agent--root))
  (lsp))

(defun agent--lsp-register ()
  "Tell lsp-mode of the server."
  (add-to-list 'lsp-language-id-configuration '(text-mode . "markdown") t)
  (let ((handlers (make-hash-table :test 'equal))
        (commands (make-hash-table :test 'equal)))
    (dolist (command agent--commands)
      (puthash command #'agent--lsp-command commands))
    (puthash "agent/status"
             (lambda (_workspace status) (agent--hear (agent--plist status)))
             handlers)
    (lsp-register-client
     (make-lsp-client
      :new-connection (lsp-stdio-connection (lambda () agent-command))
      :activation-fn (lambda (file _mode)
                       (and (string-match-p agent-files file) (agent--root file) t))
      ;; Beside another server for Markdown.
      :add-on? t
      :notification-handlers handlers
      :action-handlers commands
      :custom-capabilities '((experimental . ((agentStatus . t))))
      :server-id 'agent))))

(defun agent--lsp-command (command)
  "Have the server do COMMAND without waiting.
Where lsp-mode waits for the answer, it drops what arrives together with it,
and that may be the edit that the command leads to."
  (let ((command (agent--plist command)))
    (lsp-request-async "workspace/executeCommand"
                       (list :command (plist-get command :command)
                             :arguments (plist-get command :arguments))
                       #'ignore)))

(defun agent--plist (status)
  "STATUS as lsp-mode has it, a hash table or a plist, as a plist."
  (if (not (hash-table-p status))
      status
    (let (plist)
      (maphash (lambda (key value)
                 (setq plist (plist-put plist (intern (concat ":" key)) value)))
               status)
      plist)))

;;;; The mode line

(defvar agent--statuses (make-hash-table :test 'equal)
  "The newest status by workspace.")

(defun agent--hear (status)
  "Remember STATUS and show it."
  (puthash (agent--path (plist-get status :uri)) status agent--statuses)
  (force-mode-line-update t))

(defun agent--path (uri)
  "The path of the folder that URI names."
  (file-name-as-directory
   (decode-coding-string (url-unhex-string (string-remove-prefix "file://" uri)) 'utf-8)))

(defun agent--status ()
  "The status of this buffer's workspace, if one was heard."
  (when-let* ((root (agent--root)))
    (gethash root agent--statuses)))

(defun agent--lighter ()
  "For the mode line: ` agent', and what is not in sync."
  (if-let* ((status (agent--status)))
      (let ((parts (seq-keep
                    (pcase-lambda (`(,key . ,words))
                      (let ((n (plist-get status key)))
                        (and (numberp n) (> n 0) (format "%d %s" n words))))
                    '((:conflicts . "in conflict") (:refused . "refused")
                      (:behind . "behind") (:waiting . "waiting")))))
        (when (member (plist-get status :state) '("offline" "signed-out" "broken"))
          (push (plist-get status :state) parts))
        (concat " agent" (and parts (format "[%s]" (string-join parts ", ")))))
    " agent"))

;;;; Commands

(defun agent--uri ()
  "The URI of this buffer's file."
  (unless buffer-file-name (user-error "This buffer visits no file"))
  (if (fboundp 'eglot-path-to-uri)
      (eglot-path-to-uri buffer-file-name)
    (concat "file://" (url-hexify-string (expand-file-name buffer-file-name) url-path-allowed-chars))))

(defun agent--run (command &optional argument done)
  "Have the server do COMMAND with ARGUMENT, without waiting.
DONE, if any, is called in this buffer once it is done."
  (let* ((params (list :command command :arguments (if argument (vector argument) [])))
         (failed (lambda (error) (message "agent: %s" error)))
         (buffer (current-buffer))
         (done (lambda (_answer)
                 ;; Not here: DONE may ask something, and answers must go on being read.
                 (when done (run-at-time 0 nil #'agent--in buffer done)))))
    (if (eq agent-client 'lsp-mode)
        (lsp-request-async "workspace/executeCommand" params done
                           :error-handler
                           (lambda (error)
                             (funcall failed (plist-get (agent--plist error) :message))))
      (jsonrpc-async-request
       (or (eglot-current-server) (user-error "No language server here: M-x agent-mode"))
       :workspace/executeCommand params
       :success-fn done
       :error-fn (lambda (error) (funcall failed (plist-get error :message)))))))

(defun agent--in (buffer function)
  "Call FUNCTION in BUFFER, if that is still there."
  (when (buffer-live-p buffer)
    (with-current-buffer buffer (funcall function))))

(defun agent-actions ()
  "Offer what can be done here, or at the next diagnostic."
  (interactive)
  (unless (flymake-diagnostics (point))
    (when-let* ((next (or (seq-find (lambda (diagnostic) (>= (flymake-diagnostic-beg diagnostic) (point)))
                                    (flymake-diagnostics))
                          (car (flymake-diagnostics)))))
      (goto-char (flymake-diagnostic-beg next))))
  (call-interactively (if (eq agent-client 'lsp-mode) 'lsp-execute-code-action 'eglot-code-actions)))

(defun agent-push ()
  "Push now what waits, also what was refused."
  (interactive)
  (agent--run "agent.push"))

(defun agent-pull ()
  "Pull now."
  (interactive)
  (agent--run "agent.pull"))

(defun agent-compare ()
  "Show the differences between this file and the team's."
  (interactive)
  (agent--run "agent.compare" (list :uri (agent--uri))))

(defun agent-new (kind title)
  "Make an artifact of KIND, such as story, with TITLE."
  (interactive "sKind (story, plan, adr, …): \nsTitle: ")
  (agent--run "agent.new" (list :kind kind :title title :uri (agent--uri))))

(defconst agent--ways '("code by mail" "browser")
  "How to sign in here.  A password is asked for by `agent login' alone.")

(defun agent-sign-in (way)
  "Sign in to the team's project by WAY: with a code by mail, or in the browser."
  (interactive (list (completing-read "Sign in by: " agent--ways nil t nil nil (car agent--ways))))
  (if (equal way "browser")
      (agent--run "agent.signIn" (list :uri (agent--uri)))
    (let ((email (read-string "Your address: ")))
      (agent--run "agent.signIn" (list :uri (agent--uri) :method "code" :email email)
                  (lambda () (agent--bring-code email))))))

(defun agent--bring-code (email)
  "Ask for the code that was sent to EMAIL, and bring it back."
  (let ((code (string-trim (read-string (format "The code sent to %s: " email)))))
    (agent--run "agent.submitCode" (list :uri (agent--uri) :email email :code code))))

(defun agent-sign-out ()
  "Sign out of the team's project."
  (interactive)
  (agent--run "agent.signOut" (list :uri (agent--uri)) (lambda () (message "agent: signed out"))))

(defun agent-status ()
  "Say how the workspace of this buffer is."
  (interactive)
  (let ((status (or (agent--status) (user-error "Nothing was heard from the server yet"))))
    (message "%s%s: %d artifacts, %d waiting, %d behind, %d in conflict"
             (plist-get status :state)
             (if-let* ((problem (plist-get status :problem))) (format " (%s)" problem) "")
             (plist-get status :artifacts) (plist-get status :waiting)
             (plist-get status :behind) (plist-get status :conflicts))))

(defvar-keymap agent-command-map
  ;; For a prefix of yours: (keymap-global-set "C-c a" agent-command-map)
  :doc "The commands, for a prefix of yours."
  "a" #'agent-actions
  "c" #'agent-compare
  "n" #'agent-new
  "p" #'agent-pull
  "P" #'agent-push
  "s" #'agent-status)

(provide 'agent)
;;; agent.el ends here
