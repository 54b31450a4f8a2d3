//! The relay that listens: a thread for each request, and the order in which a request is judged.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use tiny_http::{Request, Server};

use crate::http::{self, Answer};
use crate::limit::{Limiter, Limits};
use crate::malice::Malice;
use crate::routes::Call;
use crate::store::{Admitted, Keeper, Store};

/// Requests at once, the waiting polls among them; beyond them callers are asked to come back.
const MAX_AT_ONCE: usize = 1_024;

/// A relay that listens.
pub struct Relay {
    server: Server,
    store: Store,
    malice: Option<Arc<Malice>>,
    has_keys: bool,
    limiter: Limiter,
    running: AtomicUsize,
}

impl Relay {
    /// Listens at an address of this machine, `127.0.0.1:0` for any free port.
    ///
    /// # Errors
    /// What the system says.
    pub fn bind(address: &str, store: Store) -> io::Result<Self> {
        let server = Server::http(address).map_err(io::Error::other)?;
        let limiter = Limiter::new(Limits::default());
        Ok(Self { server, store, malice: None, has_keys: true, limiter, running: AtomicUsize::new(0) })
    }

    /// The same with other limits for each account.
    #[must_use]
    pub fn limited(self, limits: Limits) -> Self {
        Self { limiter: Limiter::new(limits), ..self }
    }

    /// The same with keys and mail kept by a server that lies, in memory: to test clients with. The store keeps the devices.
    #[must_use]
    pub fn malicious(self, malice: Arc<Malice>) -> Self {
        Self { malice: Some(malice), ..self }
    }

    /// The same without a key directory: it carries mail and knows of nothing else.
    #[must_use]
    pub fn mail_only(self) -> Self {
        Self { has_keys: false, ..self }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.server.server_addr().to_ip()
    }

    /// Answers for as long as the process lives.
    pub fn run(&self) {
        std::thread::scope(|scope| {
            while let Ok(request) = self.server.recv() {
                if self.running.fetch_add(1, Ordering::Relaxed) >= MAX_AT_ONCE {
                    self.running.fetch_sub(1, Ordering::Relaxed);
                    Answer::later(503, 1, "too many at once").give(request);
                    continue;
                }
                scope.spawn(move || {
                    self.handle(request);
                    self.running.fetch_sub(1, Ordering::Relaxed);
                });
            }
        });
    }

    fn handle(&self, mut request: Request) {
        let answer = self.judge(&mut request).unwrap_or_else(|refusal| refusal);
        answer.give(request);
    }

    fn judge(&self, request: &mut Request) -> Result<Answer, Answer> {
        let trouble = |_| Answer::later(500, 1, "the relay's store");
        let (caller, token) = http::caller(request)?;
        match self.store.admit(&caller, token).map_err(trouble)? {
            Admitted::Yes => {}
            Admitted::WrongToken => return Err(Answer::refuse(403, "the token is not this device's")),
            Admitted::NotEnrolled => return Err(Answer::refuse(403, "this device of the account is not enrolled")),
        }
        if let Err(wait) = self.limiter.take(&caller.account, Instant::now()) {
            return Err(Answer::later(429, wait.as_secs() + 1, "too many requests of this account"));
        }
        let body = http::body(request)?;
        let (method, url) = (request.method(), request.url());
        let keeper: &dyn Keeper = self.malice.as_deref().map_or(&self.store, |malice| malice);
        Call { caller, method, url, body: &body, has_keys: self.has_keys }.answer(&self.store, keeper).map_err(trouble)
    }
}
