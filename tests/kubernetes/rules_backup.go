package manifests

import (
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ScheduledBackup has the fields of CloudNativePG's resource that are in use: a copy by hand, as Cluster is.
type ScheduledBackup struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              ScheduledBackupSpec `json:"spec"`
}

// ScheduledBackupSpec is its specification.
type ScheduledBackupSpec struct {
	Schedule             string                      `json:"schedule"`
	Immediate            bool                        `json:"immediate"`
	Suspend              bool                        `json:"suspend"`
	BackupOwnerReference string                      `json:"backupOwnerReference"`
	Cluster              corev1.LocalObjectReference `json:"cluster"`
	Target               string                      `json:"target"`
	Method               string                      `json:"method"`
	PluginConfiguration  Plugin                      `json:"pluginConfiguration"`
}

// ObjectStore has the fields of the plugin Barman Cloud's resource that are in use.
type ObjectStore struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              ObjectStoreSpec `json:"spec"`
}

// ObjectStoreSpec is its specification.
type ObjectStoreSpec struct {
	RetentionPolicy              string                   `json:"retentionPolicy"`
	Configuration                ObjectStoreConfiguration `json:"configuration"`
	InstanceSidecarConfiguration struct {
		Resources corev1.ResourceRequirements `json:"resources"`
	} `json:"instanceSidecarConfiguration"`
}

// ObjectStoreConfiguration says where backups lie and how they get there.
type ObjectStoreConfiguration struct {
	DestinationPath string        `json:"destinationPath"`
	EndpointURL     string        `json:"endpointURL"`
	S3Credentials   S3Credentials `json:"s3Credentials"`
	WAL             struct {
		Compression string `json:"compression"`
		MaxParallel int    `json:"maxParallel"`
	} `json:"wal"`
	Data struct {
		Compression string `json:"compression"`
	} `json:"data"`
}

// S3Credentials are keys of Secrets.
type S3Credentials struct {
	AccessKeyID     SecretKey `json:"accessKeyId"`
	SecretAccessKey SecretKey `json:"secretAccessKey"`
	Region          SecretKey `json:"region"`
}

// SecretKey is one of them.
type SecretKey struct {
	Name string `json:"name"`
	Key  string `json:"key"`
}

const barman = "barman-cloud.cloudnative-pg.io"

// Each day or more often: six fields, the days of which are all.
var daily = regexp.MustCompile(`^\d+ \d+ \S+ \* \* \*$`)

// Days, weeks or months.
var retention = regexp.MustCompile(`^[1-9][0-9]*[dwm]$`)

// backups requires of production that each database has its log archived and is backed up each day, to one store outside of
// the cluster, which keeps the backups for a time that is said and no longer.
func (overlay *Overlay) backups() {
	if !overlay.Production {
		return
	}
	const rule = "backups"
	for _, database := range overlay.Databases {
		archiver := slices.IndexFunc(database.Spec.Plugins, func(plugin Plugin) bool { return plugin.Name == barman && plugin.IsWALArchiver })
		if archiver < 0 {
			overlay.complain(rule, "the log of %s is archived nowhere", database.Name)
			continue
		}
		parameters := database.Spec.Plugins[archiver].Parameters
		if parameters["serverName"] != database.Name {
			overlay.complain(rule, "%s writes to the archive of %s", database.Name, parameters["serverName"])
		}
		overlay.backupStore(rule, database.Name, parameters["barmanObjectName"])
		scheduled := slices.ContainsFunc(overlay.BackupSchedules, func(backup ScheduledBackup) bool {
			spec := backup.Spec
			return spec.Cluster.Name == database.Name && spec.Method == "plugin" && spec.PluginConfiguration.Name == barman &&
				!spec.Suspend && daily.MatchString(spec.Schedule)
		})
		if !scheduled {
			overlay.complain(rule, "%s is not backed up each day", database.Name)
		}
		for _, from := range database.Spec.ExternalClusters {
			overlay.backupStore(rule, database.Name, from.Plugin.Parameters["barmanObjectName"])
			if from.Plugin.Parameters["serverName"] == parameters["serverName"] {
				overlay.complain(rule, "%s writes to the archive that it is restored from", database.Name)
			}
		}
	}
}

func (overlay *Overlay) backupStore(rule, who, name string) {
	at := slices.IndexFunc(overlay.BackupStores, func(store ObjectStore) bool { return store.Name == name })
	if at < 0 {
		overlay.complain(rule, "%s is backed up to %q, which is not there", who, name)
		return
	}
	spec := overlay.BackupStores[at].Spec
	if !retention.MatchString(spec.RetentionPolicy) {
		overlay.complain(rule, "%s keeps backups for ever, or not at all", name)
	}
	if !strings.HasPrefix(spec.Configuration.DestinationPath, "s3://") || strings.HasSuffix(spec.Configuration.DestinationPath, "/") {
		overlay.complain(rule, "%s leads to %s", name, spec.Configuration.DestinationPath)
	}
	credentials := spec.Configuration.S3Credentials
	for _, key := range []SecretKey{credentials.AccessKeyID, credentials.SecretAccessKey, credentials.Region} {
		overlay.needsSecret(rule, name, key.Name, key.Key)
	}
	resources := spec.InstanceSidecarConfiguration.Resources
	if resources.Limits.Memory().IsZero() || resources.Requests.Memory().Cmp(*resources.Limits.Memory()) != 0 {
		overlay.complain(rule, "what copies to %s has a limit of memory that is not its request", name)
	}
}
