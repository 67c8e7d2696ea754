//! An OTLP receiver with faults that are switched on and off while it runs, to see how an exporter deals with them.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpSocket;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tonic::Status;
// A router is a service of tower; this is tower's trait.
use tonic::codegen::Service;

use crate::model::Telemetry;
use crate::receiver::Inbox;

/// How the receiver treats the requests that arrive from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// It takes them.
    Accept,
    /// It never answers them, not even after the behaviour has changed, and their content does not count as received.
    Hang,
    /// It answers them only after the behaviour has changed, and then takes them.
    Stall,
    /// It answers with this HTTP status; over gRPC, with `UNAVAILABLE` for a status of 5xx and `INVALID_ARGUMENT` for others.
    Refuse(u16),
}

/// A receiver on a port of its own, on which nobody listens at first. It ends when it is dropped.
pub struct FaultyReceiver {
    address: SocketAddr,
    /// Bound and not yet listening: the port is taken, and connections to it are refused.
    socket: Option<TcpSocket>,
    behaviour: watch::Sender<Behaviour>,
    accepted: Arc<Inbox>,
    refused: Arc<Inbox>,
    server: Option<JoinHandle<()>>,
}

impl FaultyReceiver {
    /// Reserves a free port of the loopback interface.
    ///
    /// # Errors
    ///
    /// If no port is free.
    pub fn reserve() -> std::io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
        Ok(Self {
            address: socket.local_addr()?,
            socket: Some(socket),
            behaviour: watch::Sender::new(Behaviour::Accept),
            accepted: Arc::default(),
            refused: Arc::default(),
            server: None,
        })
    }

    /// Begins to listen; does nothing if it listens already.
    ///
    /// # Errors
    ///
    /// If the system refuses.
    pub fn listen(&mut self) -> std::io::Result<()> {
        let Some(socket) = self.socket.take() else { return Ok(()) };
        let listener = socket.listen(1024)?;
        let state = Shared {
            behaviour: self.behaviour.subscribe(),
            refusing: crate::router(Arc::<Inbox>::clone(&self.refused)),
        };
        let accepting = crate::router(Arc::<Inbox>::clone(&self.accepted));
        let router = accepting.layer(from_fn_with_state(state, behave));
        self.server = Some(tokio::spawn(async move {
            // It serves until it is aborted.
            let _ = axum::serve(listener, router).await;
        }));
        Ok(())
    }

    /// Changes what happens to requests from now on.
    pub fn set(&self, behaviour: Behaviour) {
        self.behaviour.send_replace(behaviour);
    }

    /// Host and port, such as `127.0.0.1:4318`.
    pub fn authority(&self) -> String {
        self.address.to_string()
    }

    /// What was accepted since the last call.
    pub fn accepted(&self) -> Telemetry {
        self.accepted.take()
    }

    /// What was refused by [`Behaviour::Refuse`] since the last call.
    pub fn refused(&self) -> Telemetry {
        self.refused.take()
    }
}

impl Drop for FaultyReceiver {
    fn drop(&mut self) {
        if let Some(server) = &self.server {
            server.abort();
        }
    }
}

#[derive(Clone)]
struct Shared {
    behaviour: watch::Receiver<Behaviour>,
    /// Decodes what is refused, so that a check sees what was sent again.
    refusing: Router,
}

async fn behave(State(mut shared): State<Shared>, request: Request, next: Next) -> Response {
    let behaviour = *shared.behaviour.borrow_and_update();
    match behaviour {
        Behaviour::Accept => next.run(request).await,
        Behaviour::Hang => std::future::pending().await,
        Behaviour::Stall => {
            // An error means that the receiver has ended.
            let _ = shared.behaviour.wait_for(|now| *now != Behaviour::Stall).await;
            next.run(request).await
        }
        Behaviour::Refuse(status) => {
            let content_type = request.headers().get(header::CONTENT_TYPE);
            let is_grpc = content_type.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"));
            let _ = shared.refusing.call(request).await;
            let reason = "this collector refuses everything at present";
            match (is_grpc, status) {
                (true, 500..) => Status::unavailable(reason).into_http(),
                (true, _) => Status::invalid_argument(reason).into_http(),
                (false, status) => {
                    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
                    (status, reason).into_response()
                }
            }
        }
    }
}
