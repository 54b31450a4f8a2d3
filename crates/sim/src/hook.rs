//! Where a thread can be stopped: at what the engine does to the disk, and where it waits.
//!
//! It decides nothing: whoever runs a call puts a function here, and it is called at every point that is reached.

use std::cell::RefCell;
use std::rc::Rc;

/// What is about to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// A connection asks for a lock that others can see, or has let go of one.
    Lock,
    /// A connection reads a file.
    Read,
    /// A connection changes a file, or makes a change durable.
    Write,
    /// The engine waits for another connection.
    Wait,
}

type Hook = Rc<dyn Fn(Point)>;

thread_local! {
    static HOOK: RefCell<Option<Hook>> = const { RefCell::new(None) };
}

/// Says that a point is reached.
pub(crate) fn reach(point: Point) {
    // Cloned out: what is called may reach points of its own.
    let hook = HOOK.with(|hook| hook.borrow().clone());
    if let Some(hook) = hook {
        hook(point);
    }
}

/// Runs `work` on this thread with `hook` called at every point.
pub fn with<T>(hook: impl Fn(Point) + 'static, work: impl FnOnce() -> T) -> T {
    struct Restore(Option<Hook>);
    impl Drop for Restore {
        fn drop(&mut self) {
            let before = self.0.take();
            HOOK.with(|hook| *hook.borrow_mut() = before);
        }
    }
    let _restore = Restore(HOOK.with(|slot| slot.borrow_mut().replace(Rc::new(hook))));
    work()
}
