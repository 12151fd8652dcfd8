package manifests_test

import (
	"strings"
	"testing"
)

const cronJob = `apiVersion: batch/v1
kind: CronJob
metadata:
  name: sweeper
spec:
  schedule: "0 3 * * *"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers:
            - name: sweeper
              image: sweeper:1
`

// Each fault replaces a text in a built overlay. The rule must complain.
func TestRulesFindFaults(t *testing.T) {
	const dev, production, nginx = "k8s/overlays/dev", "k8s/overlays/production", "tests/kubernetes/testdata/ingress-nginx"
	const secured = "tests/kubernetes/testdata/secured"
	faults := []struct {
		name, overlay, text, instead, complaint string
	}{
		{"a field that is misspelt", dev, "terminationGracePeriodSeconds:", "terminationGracePeriodSecond:", "schema: "},
		{"a field of a custom resource that is misspelt", production, "\n      namespaces:", "\n      namespace:", "schema: "},
		{"a field of CloudNativePG that is misspelt", production, "  walStorage:", "  walStorages:", "schema: "},
		{"a number that is a text", dev, "replicas: 2", `replicas: "2"`, "schema: "},
		{"an unknown kind", dev, "kind: PodDisruptionBudget", "kind: PodDisruptionBudge", "schema: "},
		{"root", dev, "runAsNonRoot: true", "runAsNonRoot: false", "restricted: "},
		{"user 0", dev, "runAsUser: 65532", "runAsUser: 0", "restricted: "},
		{"privileges", dev, "allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true", "restricted: "},
		{"a privileged container", dev, "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: true\n          privileged: true", "restricted: "},
		{"a job that runs as root", dev, "apiVersion: v1\nkind: Namespace", cronJob + "---\napiVersion: v1\nkind: Namespace", "restricted: CronJob"},
		{"a capability", dev, "- ALL", "- NET_RAW", "restricted: "},
		{"no seccomp profile", dev, "type: RuntimeDefault", "type: Unconfined", "restricted: "},
		{"a directory of the node", dev, "emptyDir:\n          sizeLimit: 64Mi", "hostPath:\n          path: /var", "restricted: "},
		{"a root that can be written", dev, "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", "read-only: "},
		{"a token", dev, "automountServiceAccountToken: false\n      containers", "automountServiceAccountToken: true\n      containers", "token: "},
		{"a token by the account", dev, "automountServiceAccountToken: false\nkind", "automountServiceAccountToken: true\nkind", "token: "},
		{"no startup probe", dev, "        startupProbe:\n          failureThreshold: 60\n          httpGet:\n            path: /livez\n            port: ops\n          periodSeconds: 1\n", "", "probes: "},
		{"liveness that asks for the database", dev, "livenessProbe:\n          failureThreshold: 3\n          httpGet:\n            path: /livez", "livenessProbe:\n          failureThreshold: 3\n          httpGet:\n            path: /readyz", "probes: "},
		{"a probe at a port that is not there", dev, "port: ops", "port: op", "probes: "},
		{"a grace period that is too short", dev, "terminationGracePeriodSeconds: 40", "terminationGracePeriodSeconds: 39", "drain: "},
		{"a drain that is too short", dev, `MADANG_DRAIN_SECONDS: "30"`, `MADANG_DRAIN_SECONDS: "25"`, "drain: "},
		{"a drain that is too long", dev, `MADANG_DRAIN_SECONDS: "30"`, `MADANG_DRAIN_SECONDS: "31"`, "drain: "},
		{"no wait before the stop", dev, "seconds: 5", "seconds: 1", "drain: "},
		{"sockets sent away too fast", dev, `MADANG_RECONNECT_SPREAD_SECONDS: "15"`, `MADANG_RECONNECT_SPREAD_SECONDS: "5"`, "drain: "},
		{"sockets that stay for ever", dev, `MADANG_MAX_SOCKET_AGE_SECONDS: "3600"`, `MADANG_MAX_SOCKET_AGE_SECONDS: "0"`, "retirement: "},
		{"sockets retired too slowly", production, `MADANG_RETIREMENTS_PER_SECOND: "40"`, `MADANG_RETIREMENTS_PER_SECOND: "20"`, "retirement: "},
		{"sockets retired faster than they are admitted", production, `MADANG_RETIREMENTS_PER_SECOND: "40"`, `MADANG_RETIREMENTS_PER_SECOND: "200"`, "retirement: "},
		{"a drain shorter than a call", dev, `MADANG_DRAIN_SECONDS: "30"`, `MADANG_DRAIN_SECONDS: "10"`, "drain: Deployment madang-auth"},
		{"a rollout with fewer pods", dev, "maxUnavailable: 0", "maxUnavailable: 1", "rollout: "},
		{"a budget that allows nothing", dev, "  maxUnavailable: 1\n", "  maxUnavailable: 0\n", "budgets: "},
		{"a budget at the minimum", dev, "  maxUnavailable: 1\n", "  minAvailable: 2\n", "budgets: "},
		{"a single pod", dev, "replicas: 2", "replicas: 1", "budgets: "},
		{"a selector that selects nothing", dev, "spec:\n  maxUnavailable: 1\n  selector:\n    matchLabels:\n      app.kubernetes.io/name: madang-auth", "spec:\n  maxUnavailable: 1\n  selector:\n    matchLabels:\n      app.kubernetes.io/name: auth", "budgets: "},
		{"replicas beside an autoscaler", production, "revisionHistoryLimit: 5\n", "replicas: 3\n  revisionHistoryLimit: 5\n", "autoscalers: "},
		{"an autoscaler without a target", production, "kind: Deployment\n    name: madang-auth", "kind: Deployment\n    name: auth", "autoscalers: "},
		{"two pods fewer at once", production, "type: Pods\n        value: 1", "type: Pods\n        value: 2", "autoscalers: "},
		{"no places for those of one that stops", production, `averageValue: "12000"`, `averageValue: "16000"`, "autoscalers: "},
		{"no spread by zone", dev, "topologyKey: topology.kubernetes.io/zone", "topologyKey: topology.kubernetes.io/region", "spread: "},
		{"a spread that counts old pods", dev, "        matchLabelKeys:\n        - pod-template-hash\n", "", "spread: "},
		{"a hard spread", dev, "whenUnsatisfiable: ScheduleAnyway", "whenUnsatisfiable: DoNotSchedule", "spread: "},
		{"a limit that is not the request", dev, "limits:\n            memory: 512Mi", "limits:\n            memory: 1Gi", "resources: "},
		{"a limit of CPU", dev, "limits:\n            memory: 512Mi", "limits:\n            cpu: 1\n            memory: 512Mi", "resources: "},
		{"too little memory for the sockets", production, "memory: 512Mi", "memory: 256Mi", "memory: "},
		{"too few connections", production, `max_connections: "300"`, `max_connections: "200"`, "connections: "},
		{"a setting that is none", dev, "MADANG_DRAIN_SECONDS:", "MADANG_DRAIN_SECOND:", "settings: "},
		{"variables of the services", dev, "enableServiceLinks: false", "enableServiceLinks: true", "settings: "},
		{"a password in a ConfigMap", dev, "MADANG_AUTH_URL: http://madang-auth:7001", "MADANG_AUTH_URL: http://a:b@madang-auth:7001", "secrets: "},
		{"a Secret in a file", production, "apiVersion: v1\nkind: Namespace", "apiVersion: v1\nkind: Secret\nmetadata:\n  name: password\n---\napiVersion: v1\nkind: Namespace", "secrets: "},
		{"a missing Secret", production, "secretName: madang-redis-1", "secretName: madang-redis-2", "references: "},
		{"a missing key", dev, "- key: users.acl", "- key: users", "references: "},
		{"a missing ConfigMap", dev, "configMapRef:\n            name: madang-auth", "configMapRef:\n            name: madang-aut", "references: "},
		{"a volume that nobody mounts", dev, "mountPath: /etc/valkey\n          name: config", "mountPath: /etc/valkey\n          name: users", "references: "},
		{"a tag in production", production, "image: registry.example.com/madang-auth@sha256:", "image: registry.example.com/madang-auth:1.0@sha25:", "images: "},
		{"a tag of the database in production", production, "postgresql:15@sha256:", "postgresql:15@sha25:", "images: "},
		{"a field of cert-manager that is misspelt", secured, "renewBefore:", "renewBefor:", "schema: "},
		{"a certificate with the name of another service", secured, "- spiffe://madang/auth", "- spiffe://madang/gateway", "certificates: "},
		{"a certificate that is no client's", secured, "  - client auth\n", "", "certificates: "},
		{"a certificate that is renewed too late", secured, "renewBefore: 240h", "renewBefore: 24h", "certificates: "},
		{"a certificate of another authority", secured, "kind: Issuer\n    name: madang-services", "kind: Issuer\n    name: madang-self-signed", "certificates: "},
		{"a key that stays", secured, "rotationPolicy: Always", "rotationPolicy: Never", "certificates: "},
		{"a service without a certificate", secured, "  MADANG_STORE_URL: https://madang-message-store:7002\n  MADANG_TLS_CA_FILE: /run/secrets/madang/tls/ca.crt\n  MADANG_TLS_CERTIFICATE_FILE: /run/secrets/madang/tls/tls.crt\n", "  MADANG_STORE_URL: https://madang-message-store:7002\n  MADANG_TLS_CA_FILE: /run/secrets/madang/tls/ca.crt\n", "certificates: "},
		{"a call without TLS", secured, "MADANG_STORE_URL: https://", "MADANG_STORE_URL: http://", "certificates: "},
		{"a port that does not say TLS", secured, "appProtocol: https", "appProtocol: kubernetes.io/h2c", "services: "},
		{"a service that lets everybody call", dev, "  MADANG_STORE_SECRET_FILE: /run/secrets/madang/calls/store\n  MADANG_STORE_SECRET_PREVIOUS_FILE", "  MADANG_STORE_SECRET_PREVIOUS_FILE", "callers: whoever reaches the gRPC port of Deployment madang-message-store"},
		{"a service that lets everybody call, in production", production, "  MADANG_AUTH_SECRET_FILE: /run/secrets/madang/calls/auth\n  MADANG_AUTH_SECRET_PREVIOUS_FILE", "  MADANG_AUTH_SECRET_PREVIOUS_FILE", "callers: whoever reaches the gRPC port of Deployment madang-auth"},
		{"a service with a certificate that lets everybody call", secured, `MADANG_MIGRATE: "false"`, "MADANG_MIGRATE: \"false\"\n  MADANG_TLS_ACCEPT_PLAINTEXT: \"true\"", "callers: whoever reaches the gRPC port"},
		{"a call without the secret", nginx, "  MADANG_STORE_SECRET_FILE: /run/secrets/madang/calls/store\n  MADANG_STORE_URL", "  MADANG_STORE_URL", "callers: Deployment madang-gateway calls Deployment madang-message-store without"},
		{"a call with the secret of another service", dev, "key: store\n            path: store\n          secretName", "key: auth\n            path: store\n          secretName", "callers: Deployment madang-gateway sends"},
		{"a call with a secret that is not accepted", production, "path: store\n          secretName: madang-calls-1", "path: store\n          secretName: madang-calls-2", "callers: Deployment madang-gateway sends"},
		{"a service with the secret of another", dev, "key: auth-previous\n", "key: store\n", "callers: Deployment madang-auth has the secret"},
		{"one secret for two services", dev, "ZGV2ZWxvcG1lbnQtb2YtY2FsbHMtdG8tc3RvcmUtYWxvbmU=", "ZGV2ZWxvcG1lbnQtb2YtY2FsbHMtdG8tYXV0aC1hbG9uZQ==", "callers: the secret"},
		{"a secret that is too short", dev, "auth: ZGV2ZWxvcG1lbnQtb2YtY2FsbHMtdG8tYXV0aC1hbG9uZQ==", "auth: c2hvcnQ=", "callers: Deployment madang-auth refuses"},
		{"a secret between services that is not there", production, "key: store-previous", "key: store-before", "references: "},
		{"a Redis without users", dev, "aclfile /run/secrets/valkey/users.acl", "", "redis: "},
		{"a Redis with a default user", dev, "dXNlciBkZWZhdWx0IG9m", "dXNlciBkZWZhdWx0IG9u", "redis: "},
		{"a Redis that is open without TLS, too", secured, "    port 0\n", "    port 6380\n", "redis: "},
		{"a Redis without TLS for gateways that want it", secured, "    tls-port 6379\n", "", "redis: "},
		{"gateways that do not know the authority of Redis", secured, "  MADANG_REDIS_CA_FILE: /run/secrets/madang/redis-authority/ca.crt\n", "", "redis: "},
		{"an authority of Redis that is not mounted", secured, "redis-authority/ca.crt", "redis-authority/tls.crt", "redis: "},
		{"a certificate of Redis with another name", secured, "dnsNames:\n  - madang-valkey", "dnsNames:\n  - valkey", "redis: "},
		{"a certificate of Redis that is no server's", secured, "  usages:\n  - digital signature\n  - server auth\n---", "  usages:\n  - digital signature\n---", "redis: "},
		{"a service that nobody migrates", secured, "- migrate\n", "- rotate-key\n", "migrations: "},
		{"a service that migrates beside its init container", secured, `MADANG_MIGRATE: "false"`, `MADANG_MIGRATE: "true"`, "migrations: "},
		{"a service with the password of the owner", secured, "- mountPath: /run/secrets/madang/database\n          name: database", "- mountPath: /run/secrets/madang/database\n          name: owner", "migrations: "},
		{"files in the pod of one gateway", dev, "mountPath: /files\n          name: files", "mountPath: /files\n          name: spool", "files: "},
		{"files of a claim that is not there", dev, "claimName: madang-files", "claimName: files", "files: "},
		{"files without room to arrive", dev, "sizeLimit: 8Gi", "sizeLimit: 64Mi", "files: "},
		{"files that may not be reached", secured, "name: madang-gateway-object-store", "name: madang-gateway-store", "policies: "},
		{"a key of files that is not there", secured, "key: secret\n            path: secret", "key: secrets\n            path: secret", "references: "},
		{"a store of files without a key", secured, "/run/secrets/madang/files/secret", "/run/secrets/madang/files/key", "files: "},
		{"a database that may lose messages", production, "dataDurability: required", "dataDurability: preferred", "databases: "},
		{"a database of other characters", production, "localeCType: C.UTF-8", "localeCType: C", "databases: "},
		{"a log that is archived nowhere", production, "isWALArchiver: true", "isWALArchiver: false", "backups: the log of madang-postgres"},
		{"backups to a store that is not there", production, "barmanObjectName: madang-backup", "barmanObjectName: backup", "backups: madang-postgres is backed up to"},
		{"backups with another's name", production, "serverName: madang-postgres", "serverName: postgres", "backups: madang-postgres writes to"},
		{"backups that stay for ever", production, "  retentionPolicy: 30d\n", "", "backups: madang-backup keeps"},
		{"backups without a key", production, "key: region\n", "key: place\n", "backups: madang-backup needs place"},
		{"backups of another database", production, "spec:\n  backupOwnerReference: none\n  cluster:\n    name: madang-postgres", "spec:\n  backupOwnerReference: none\n  cluster:\n    name: madang", "backups: madang-postgres is not backed up each day"},
		{"backups once a week", production, "schedule: 0 17 2 * * *", "schedule: 0 17 2 * * 1", "backups: madang-postgres is not backed up each day"},
		{"backups that are suspended", production, "  immediate: true\n", "  suspend: true\n", "backups: madang-postgres is not backed up each day"},
		{"backups by the way that the operator gives up", production, "method: plugin", "method: barmanObjectStore", "backups: madang-postgres is not backed up each day"},
		{"backups that may not leave", production, "name: madang-postgres-object-store", "name: madang-postgres-store", "policies: "},
		{"the latest image", dev, "image: localhost/madang-auth:dev", "image: localhost/madang-auth:latest", "images: "},
		{"an image without a tag", dev, "image: localhost/madang-auth:dev", "image: localhost/madang-auth", "images: "},
		{"a service that selects nothing", dev, "selector:\n    app.kubernetes.io/name: madang-auth", "selector:\n    app.kubernetes.io/name: auth", "services: "},
		{"a service to the operations port", dev, "targetPort: grpc", "targetPort: ops", "services: "},
		{"gRPC behind one address", dev, "clusterIP: None", "type: ClusterIP", "services: "},
		{"no word of WebSockets", dev, "appProtocol: kubernetes.io/ws", "appProtocol: http", "services: "},
		{"a route that leads nowhere", production, "backendRefs:\n    - name: madang-gateway", "backendRefs:\n    - name: madang", "edge: "},
		{"a route that hangs nowhere", production, "sectionName: https", "sectionName: http", "edge: "},
		{"a route that ends sockets", production, "request: 0s", "request: 60s", "edge: "},
		{"a listener without TLS", production, "protocol: HTTPS", "protocol: HTTP", "edge: "},
		{"proxies that are not counted", production, `MADANG_TRUSTED_PROXIES: "1"`, `MADANG_TRUSTED_PROXIES: "2"`, "edge: "},
		{"an ingress that ends silent sockets", nginx, `proxy-read-timeout: "3600"`, `proxy-read-timeout: "60"`, "edge: "},
		{"an ingress without a rate", nginx, `limit-rps: "200"`, `limit-rpm: "200"`, "edge: "},
		{"an ingress without a certificate", nginx, "- hosts:\n    - chat.example.com", "- hosts:\n    - example.com", "edge: "},
		{"an ingress that leads nowhere", nginx, "port:\n              name: http", "port:\n              name: https", "edge: "},
		{"a namespace that admits all", dev, "enforce: restricted", "enforce: baseline", "namespace: "},
		{"an edge too many", dev, "port: 7001", "port: 7003", "policies: "},
		{"no default", dev, "podSelector: {}", "podSelector:\n    matchLabels:\n      a: b", "policies: "},
		{"a policy that is missing", dev, "kind: NetworkPolicy\nmetadata:\n  name: madang-auth", "kind: NetworkPolicy\nmetadata:\n  name: auth", "policies: "},
		{"a policy that selects nothing", dev, "app.kubernetes.io/name: madang-valkey\n        app.kubernetes.io/part-of", "app.kubernetes.io/name: valkey\n        app.kubernetes.io/part-of", "policies: "},
		{"a service at another port", dev, "http://madang-message-store:7002", "http://madang-message-store:7012", "dials: "},
		{"a service outside of the table", dev, "http://madang-message-store:7002", "http://madang-postgres:5432", "dials: "},
		{"a collector at another port", nginx, "http://otel-collector.telemetry:4317", "http://otel-collector.telemetry:4318", "dials: "},
		{"a collector elsewhere", nginx, "http://otel-collector.telemetry:4317", "http://collector.telemetry:4317", "dials: "},
		{"a variable of traces that is none", nginx, "OTEL_TRACES_SAMPLER:", "OTEL_TRACE_SAMPLER:", "settings: "},
		{"metrics of a port that is not there", production, "- interval: 15s\n    path: /metrics\n    port: ops", "- interval: 15s\n    path: /metrics\n    port: metrics", "monitors: "},
		{"a service that nobody watches", production, "- madang-message-store\n", "- message-store\n", "monitors: "},
	}
	built := map[string]string{}
	for _, overlay := range overlays {
		built[overlay] = build(t, overlay)
	}
	for _, fault := range faults {
		t.Run(fault.name, func(t *testing.T) {
			text := built[fault.overlay]
			if !strings.Contains(text, fault.text) {
				t.Fatalf("%s no longer has %q: the fault cannot be made", fault.overlay, fault.text)
			}
			complaints := judge(t, fault.overlay, strings.ReplaceAll(text, fault.text, fault.instead))
			for _, complaint := range complaints {
				if strings.HasPrefix(complaint, fault.complaint) {
					return
				}
			}
			t.Errorf("nobody said %q, only %q", fault.complaint, complaints)
		})
	}
}
