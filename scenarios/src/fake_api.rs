//! An API server for tests, which notes what it is asked.

use hyper::{Request, Response};
use kube::Client;
use kube::client::Body;
use meshproof_harness::kube::Kube;
use serde_json::{Value, json};
use tower_test::mock::Handle;

/// The server's side of a connection.
pub struct FakeApi(Handle<Request<Body>, Response<Body>>);

impl FakeApi {
    /// A server, and a connection to it.
    pub fn new() -> (Kube, Self) {
        let (service, server) = tower_test::mock::pair::<Request<Body>, Response<Body>>();
        let kube = Kube::from_client(Client::new(service, "default"), 1.0);
        (kube, Self(server))
    }

    /// Serves until the connection is dropped, and returns what `note` makes of each question: of its
    /// method and path. A list holds `items` of its path; what is to be deleted is not there.
    pub async fn asked<T>(
        mut self,
        items: impl Fn(&str) -> Value,
        note: impl Fn(String) -> T,
    ) -> Vec<T> {
        let mut asked = vec![];
        while let Some((request, send)) = self.0.next_request().await {
            let path = request.uri().path();
            let (code, answer) = match request.method().as_str() {
                "GET" => {
                    let list = json!({ "kind": "List", "apiVersion": "v1",
                        "metadata": { "resourceVersion": "1" }, "items": items(path) });
                    (200, list)
                }
                _ => {
                    let gone = json!({ "kind": "Status", "apiVersion": "v1",
                        "status": "Failure", "reason": "NotFound", "message": "", "code": 404 });
                    (404, gone)
                }
            };
            asked.push(note(format!("{} {path}", request.method())));
            let body = Body::from(answer.to_string().into_bytes());
            send.send_response(Response::builder().status(code).body(body).unwrap());
        }
        asked
    }
}
