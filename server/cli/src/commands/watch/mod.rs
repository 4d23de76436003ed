//! `agent sync watch`: the live loop without an editor. It runs the same session as the language
//! server, which pushes, listens and writes closed files if nobody else on the workspace does, and tells
//! what happens, one line each. What is told is made in [`events`]; here it is started, printed and ended.

mod events;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use agent_core::id::ArtifactPath;
use agent_engine::{Handle, Notice};
use anyhow::Context as _;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::oneshot;

use self::events::{Event, Teller};
use crate::args::Watch;
use crate::interrupt::Interrupts;
use crate::output::{self, Done, Form};
use crate::work::Work;

/// How long what was saved last may take to be sent, once the command is told to end.
const FLUSH: Duration = Duration::from_secs(5);

/// Watches until it is told to end; 1 when something is left to do then.
pub(crate) fn run(args: &Watch) -> anyhow::Result<Done> {
    let mut work = Work::open()?;
    if !args.open.is_empty() {
        // A file that was just made is known by its name only then.
        work.scan()?;
    }
    let open = args.open.iter().map(|name| document(&work, name)).collect::<anyhow::Result<Vec<_>>>()?;
    let Work { session, notes } = work;
    let auto_push = session.config.sync.policy.auto_push;
    let mut teller = Teller::new(&session)?;
    let mut printer = Printer { json: args.json.json, is_read: true };
    for message in notes {
        printer.print(&Event::Warning { message });
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.context("the system gives no event loop")?;
    let (sender, mut notices) = tokio::sync::mpsc::unbounded_channel();
    let handle = agent_engine::start(session, runtime.handle().clone(), sender);
    let ended = runtime.block_on(async {
        let mut end = Box::pin(told_to_end(args.timeout)?);
        open.iter().for_each(|(path, text)| handle.opened(path.clone(), Arc::clone(text)));
        handle.begin();
        follow(&handle, &mut notices, &mut teller, &mut printer, &mut end).await?;
        open.iter().for_each(|(path, _)| handle.closed(path.clone()));
        if printer.is_read {
            flush(&handle, &mut notices, &mut teller, &mut printer, auto_push).await?;
        }
        anyhow::Ok(teller.end(&handle))
    })?;
    handle.stop(FLUSH);
    let left = printer.is_read && ended.is_left();
    Ok(Done::new(ended.text(), &ended)?.with(Vec::new(), left).form(Form::Answer))
}

/// An artifact to have open, as its file is.
fn document(work: &Work, name: &str) -> anyhow::Result<(ArtifactPath, Arc<str>)> {
    let path = work.find(name)?.path;
    let file = work.session.workspace.root().join(path.as_str());
    let text = std::fs::read_to_string(&file).with_context(|| format!("{path} cannot be opened"))?;
    Ok((path, text.into()))
}

/// Ctrl-C, SIGTERM, or the time that was given.
fn told_to_end(timeout: Option<u64>) -> anyhow::Result<impl Future<Output = ()>> {
    let mut interrupts = Interrupts::listen().context("Ctrl-C cannot be listened to")?;
    Ok(async move {
        let over = async {
            match timeout {
                Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = interrupts.next() => {}
            () = over => {}
        }
    })
}

/// Tells what happens until the end, or until nobody reads it.
async fn follow(
    handle: &Handle,
    notices: &mut UnboundedReceiver<Notice>,
    teller: &mut Teller,
    printer: &mut Printer,
    end: &mut (impl Future<Output = ()> + Unpin),
) -> anyhow::Result<()> {
    while printer.is_read {
        tokio::select! {
            () = &mut *end => return Ok(()),
            notice = notices.recv() => match notice {
                Some(notice) => printer.print_all(&teller.hear(handle, notice)?),
                None => return Ok(()),
            },
        }
    }
    Ok(())
}

/// Takes in what was saved a moment ago, and waits until it is sent, if it can be.
async fn flush(
    handle: &Handle,
    notices: &mut UnboundedReceiver<Notice>,
    teller: &mut Teller,
    printer: &mut Printer,
    auto_push: bool,
) -> anyhow::Result<()> {
    let (done, mut scanned) = oneshot::channel();
    handle.scan(move || {
        // The command may have ended meanwhile.
        let _ = done.send(());
    });
    let mut is_scanned = false;
    let work = async {
        loop {
            let link = handle.views().link();
            if is_scanned && (link.waiting == 0 || link.trouble.is_some() || !auto_push) {
                break;
            }
            tokio::select! {
                _ = &mut scanned, if !is_scanned => is_scanned = true,
                notice = notices.recv() => match notice {
                    Some(notice) => printer.print_all(&teller.hear(handle, notice)?),
                    None => break,
                },
            }
        }
        anyhow::Ok(())
    };
    // What is not sent by then is kept, and sent by whoever works on the workspace next.
    let in_time = tokio::time::timeout(FLUSH, work).await;
    printer.print_all(&teller.catch_up(handle)?);
    in_time.unwrap_or(Ok(()))
}

/// Where the events go.
struct Printer {
    json: bool,
    /// Whether somebody still reads them.
    is_read: bool,
}

impl Printer {
    fn print_all(&mut self, events: &[Event]) {
        events.iter().for_each(|event| self.print(event));
    }

    fn print(&mut self, event: &Event) {
        let line = if self.json { event.json() } else { event.text() };
        self.is_read = self.is_read && output::line(&line);
    }
}
