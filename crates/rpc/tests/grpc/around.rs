//! What is put around a service, and what stands for one.

use std::{
    collections::BTreeSet,
    mem,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use madang_domain::{Code, Error, Result};
use madang_rpc::{
    Auth as _,
    around::{Around, Call, Double, Layer},
    auth::{self, AuthDouble, GetKeys, GetUsers},
    method::Method,
    store,
};

use crate::{same_as_local, scripted::Scripted};

/// Writes down the calls; refuses them before they are made, or their answers, where it is told to.
#[derive(Debug, Default)]
struct Recorder {
    called: Mutex<BTreeSet<&'static str>>,
    refuse_before: bool,
    refuse_after: bool,
}

impl<S: Sync> Layer<S> for Recorder {
    fn around<'a, T: Send + 'static>(
        &'a self,
        method: &'static Method,
        service: &'a S,
        call: impl for<'s> FnOnce(&'s S) -> Call<'s, T> + Send + 'static,
    ) -> Call<'a, T> {
        self.called.lock().unwrap().insert(method.name);
        Box::pin(async move {
            if self.refuse_before {
                return Err(Error::unavailable("before"));
            }
            let answer = call(service).await;
            if self.refuse_after { Err(Error::unavailable("after")) } else { answer }
        })
    }
}

fn names(methods: &[Method]) -> BTreeSet<&'static str> {
    methods.iter().map(|method| method.name).collect()
}

#[tokio::test]
async fn a_layer_is_around_every_method_of_the_table_and_changes_nothing_by_itself() {
    let near = Arc::new(Scripted::default());
    let far = Around::new(Arc::clone(&near), Recorder::default());
    same_as_local::auth_is_the_same(&near, &far).await;
    assert_eq!(mem::take(&mut *far.layer().called.lock().unwrap()), names(auth::method::ALL));
    same_as_local::store_is_the_same(&near, &far).await;
    assert_eq!(mem::take(&mut *far.layer().called.lock().unwrap()), names(store::method::ALL));
}

#[tokio::test]
async fn a_layer_can_refuse_before_the_call_and_after_it() {
    let near = Arc::new(Scripted::default());
    let before = Recorder { refuse_before: true, ..Recorder::default() };
    let error = Around::new(Arc::clone(&near), before).get_keys(GetKeys).await.unwrap_err();
    assert_eq!((error.message.as_ref(), near.calls()), ("before", Vec::new()));
    let after = Recorder { refuse_after: true, ..Recorder::default() };
    let error = Around::new(Arc::clone(&near), after).get_keys(GetKeys).await.unwrap_err();
    assert_eq!((error.message.as_ref(), near.calls().len()), ("after", 1));
}

struct Keys;

#[async_trait]
impl AuthDouble for Keys {
    async fn get_keys(&self, _: GetKeys) -> Result<String> {
        Ok("{}".to_owned())
    }
}

#[tokio::test]
async fn a_double_serves_what_it_implements_and_names_what_it_does_not() {
    let auth = Double(Keys);
    assert_eq!(auth.get_keys(GetKeys).await.unwrap(), "{}");
    let error = auth.get_users(GetUsers { ids: Vec::new() }).await.unwrap_err();
    assert_eq!(error.code, Code::Unavailable);
    assert_eq!(error.message, "get_users is not served by this double");
}
