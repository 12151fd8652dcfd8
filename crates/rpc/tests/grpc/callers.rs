//! Who may call what, as the servers are told.

use std::collections::HashMap;

use madang_domain::ServiceName;
use madang_rpc::{auth, store};

#[test]
fn every_rpc_says_who_may_call_it() {
    let callers: HashMap<_, _> = auth::method::callers().chain(store::method::callers()).collect();
    assert_eq!(callers.len(), auth::method::ALL.len() + store::method::ALL.len());
    for path in ["/madang.auth.v1.AuthService/GetKeys", "/madang.store.v1.MessageStoreService/Append"] {
        assert_eq!(callers.get(path), Some(&&[ServiceName::Gateway][..]), "{path}");
    }
    for (path, callers) in callers {
        assert!(!callers.is_empty(), "nobody may call {path}");
    }
}
