//! A service as a table: one line for each method makes all that speaks of the method.
//!
//! A method takes one request and gives one answer. `service!` makes of the table: the trait; its gRPC client
//! and server; the list of its methods ([`Method`](crate::method::Method)); the wrapper
//! [`Around`](crate::around::Around) for the trait, and the trait of its doubles in tests.

/// Makes a service of its table.
///
/// A line is `fn method(Request as RequestMessage) -> Answer as ResponseMessage`, where both messages are of the
/// module given by `messages`. The request's name is the RPC's, and the method's name is the generated client's.
/// The request and the answer must be [`Wire`](crate::wire::Wire) of their messages. In braces follow:
///
/// - `repeat`: the class and its reason;
/// - `callers`: the services that may call it, where they are not those of the service's line `callers`;
/// - `within`: the deadline in seconds, where it is not [`USUAL_TIMEOUT`](crate::method::USUAL_TIMEOUT);
/// - `check`: a function that compares an answer with its request, where an answer can be wrong by itself;
/// - `batched: by_hand`: the client calls its field `batches`, and the server the function of this name in the module
///   `batches`, both written by hand.
macro_rules! service {
    (
        $(#[$docs:meta])*
        trait $Service:ident;
        messages: $wire:ident;
        client: $Client:ident;
        $(#[$server_docs:meta])*
        server: $server:ident, $RpcServer:ident, $Rpc:ident;
        callers: $callers:tt;
        double: $Double:ident;

        $(
            $(#[$method_docs:meta])*
            fn $method:ident($Request:ident as $Message:ident) -> $Answer:ty as $Reply:ident {
                repeat: $repeat:ident $(($when:path))?, $reason:literal;
                $(callers: $own_callers:tt;)?
                $(within: $seconds:literal s;)?
                $(check: $check:path;)?
                $(batched: $batched:ident;)?
            }
        )*
    ) => {
        $(#[$docs])*
        #[async_trait::async_trait]
        pub trait $Service: Send + Sync + 'static {
            $(
                $(#[$method_docs])*
                #[doc = concat!("\n\nA client repeats it: ", stringify!($repeat), ". ", $reason, ".")]
                async fn $method(&self, request: $Request) -> madang_domain::Result<$Answer>;
            )*
        }

        /// The service's methods, by their names.
        #[expect(non_upper_case_globals, reason = "each has the name of its method")]
        pub mod method {
            use $crate::method::{Method, Repeat};

            /// The path of the service's RPCs, without the slash before it.
            pub const SERVICE: &str = <super::$RpcServer<()> as tonic::server::NamedService>::NAME;

            $(
                #[doc = concat!("`", stringify!($method), "`: ", $reason, ".")]
                pub const $method: Method = Method {
                    name: stringify!($method),
                    rpc: stringify!($Request),
                    timeout: $crate::service::service!(@timeout $($seconds)?),
                    repeat: $crate::service::service!(@repeat $repeat),
                    callers: $crate::service::service!(@callers $callers $($own_callers)?),
                    batched: $crate::service::service!(@is_batched $($batched)?),
                };
            )*

            /// All there are, in the order of the table.
            pub const ALL: &[Method] = &[$($method),*];

            /// Who may call what: the path of each RPC, and the services that may call it.
            pub fn callers() -> impl Iterator<Item = (String, &'static [madang_domain::ServiceName])> {
                ALL.iter().map(|method| (format!("/{SERVICE}/{}", method.rpc), method.callers))
            }
        }

        #[async_trait::async_trait]
        impl<T: $crate::client::Transport> $Service for $Client<T> {
            $(
                async fn $method(&self, request: $Request) -> madang_domain::Result<$Answer> {
                    $crate::service::service!(
                        @call [$($batched)?] self, $method, request, $Answer, $wire::$Message, $wire::$Reply,
                        $crate::service::service!(@may_repeat $repeat $(($when))?, request),
                        [$($check)?]
                    )
                }
            )*
        }

        $(#[$server_docs])*
        pub fn $server(service: std::sync::Arc<dyn $Service>) -> $RpcServer<impl $Rpc> {
            struct Adapter(std::sync::Arc<dyn $Service>);

            #[async_trait::async_trait]
            impl $Rpc for Adapter {
                $(
                    async fn $method(
                        &self,
                        request: tonic::Request<$wire::$Message>,
                    ) -> Result<tonic::Response<$wire::$Reply>, tonic::Status> {
                        let message = request.into_inner();
                        $crate::service::service!(
                            @serve [$($batched)?] self, $method, message, $Request, $wire::$Message, $wire::$Reply
                        )
                    }
                )*
            }

            $RpcServer::new(Adapter(service))
                .max_decoding_message_size($crate::wire::REQUEST_MAX_BYTES)
                .max_encoding_message_size($crate::wire::RESPONSE_MAX_BYTES)
        }

        /// A handle to the service is the service.
        impl<S: $Service + ?Sized> $Service for std::sync::Arc<S> {
            $($crate::service::service!(
                @forward $method, $Request, $Answer, |handle, request| (**handle).$method(request)
            );)*
        }

        impl<S: $Service, L: $crate::around::Layer<S>> $Service for $crate::around::Around<S, L> {
            $($crate::service::service!(
                @forward $method, $Request, $Answer, |around, request| {
                    around.layer().around(&method::$method, around.inner(), move |inner: &S| inner.$method(request))
                }
            );)*
        }

        /// A double of the service in tests: it implements what the test needs. Any other method answers that it
        /// is not served. [`Double`](crate::around::Double) makes a service of it.
        #[async_trait::async_trait]
        pub trait $Double: Send + Sync + 'static {
            $(
                #[doc = concat!("Stands for [`", stringify!($Service), "::", stringify!($method), "`].")]
                async fn $method(&self, _: $Request) -> madang_domain::Result<$Answer> {
                    Err($crate::around::not_served(&method::$method))
                }
            )*
        }

        impl<D: $Double> $Service for $crate::around::Double<D> {
            $($crate::service::service!(
                @forward $method, $Request, $Answer, |double, request| double.0.$method(request)
            );)*
        }
    };

    (@timeout) => { $crate::method::USUAL_TIMEOUT };
    (@timeout $seconds:literal) => { std::time::Duration::from_secs($seconds) };

    (@repeat always) => { Repeat::Always };
    (@repeat never) => { Repeat::Never };
    (@repeat when) => { Repeat::When };

    (@may_repeat always, $request:ident) => { true };
    (@may_repeat never, $request:ident) => { false };
    (@may_repeat when($when:path), $request:ident) => { $when(&$request) };

    (@callers [$($usual:ident),+]) => { &[$(madang_domain::ServiceName::$usual),+] };
    (@callers $usual:tt [$($own:ident),+]) => { &[$(madang_domain::ServiceName::$own),+] };

    (@is_batched) => { false };
    (@is_batched by_hand) => { true };

    (
        @call [] $self:ident, $method:ident, $request:ident, $Answer:ty, $Message:ty, $Reply:ty, $repeat:expr,
        [$($check:path)?]
    ) => {{
        let send = |message| {
            let mut rpc = $self.rpc.clone();
            async move { rpc.$method(message).await }
        };
        let message = || <_ as $crate::wire::Wire<$Message>>::encode(&$request);
        let reply: $Reply = $self.caller.call(&method::$method, $repeat, message, send).await?;
        let answer = <$Answer as $crate::wire::Wire<$Reply>>::decode(reply);
        let answer = answer.map_err($crate::client::malformed)?;
        $($check(&$request, &answer).map_err($crate::client::malformed)?;)?
        Ok(answer)
    }};
    (
        @call [by_hand] $self:ident, $method:ident, $request:ident, $Answer:ty, $Message:ty, $Reply:ty, $repeat:expr,
        []
    ) => {
        $self.batches.$method(&method::$method, $request).await
    };

    (@serve [] $self:ident, $method:ident, $message:ident, $Request:ty, $Message:ty, $Reply:ty) => {
        $crate::server::answer(&method::$method, async {
            let request = <$Request as $crate::wire::Wire<$Message>>::decode($message)?;
            let answer = $self.0.$method(request).await?;
            Ok(<_ as $crate::wire::Wire<$Reply>>::encode(&answer))
        })
        .await
    };
    (@serve [by_hand] $self:ident, $method:ident, $message:ident, $Request:ty, $Message:ty, $Reply:ty) => {
        $crate::server::answer(
            &method::$method,
            batches::$method(&method::$method, |request| $self.0.$method(request), $message),
        )
        .await
    };

    // A method that passes the future of another on. It is written as `async_trait` would write it, but for the
    // box around the future, which is there already.
    (@forward $method:ident, $Request:ty, $Answer:ty, |$service:ident, $request:ident| $call:expr) => {
        fn $method<'life0, 'async_trait>(
            &'life0 self,
            $request: $Request,
        ) -> $crate::around::Call<'async_trait, $Answer>
        where
            'life0: 'async_trait,
            Self: 'async_trait,
        {
            let $service = self;
            $call
        }
    };
}

pub(crate) use service;
