package manifests

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Cluster has the fields of CloudNativePG's postgresql.cnpg.io/v1 that k8s/components/postgres uses. The operator's Go
// types are not available as a module, so this is a copy by hand. It finds a misspelt field. `make test-kubernetes` judges
// the resource by the operator's own definition.
type Cluster struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              ClusterSpec `json:"spec"`
}

// ClusterSpec is its specification.
type ClusterSpec struct {
	Instances             int                         `json:"instances"`
	ImageName             string                      `json:"imageName"`
	InheritedMetadata     InheritedMetadata           `json:"inheritedMetadata"`
	Bootstrap             Bootstrap                   `json:"bootstrap"`
	PostgreSQL            PostgreSQL                  `json:"postgresql"`
	EnablePDB             *bool                       `json:"enablePDB"`
	PrimaryUpdateStrategy string                      `json:"primaryUpdateStrategy"`
	Affinity              Affinity                    `json:"affinity"`
	Resources             corev1.ResourceRequirements `json:"resources"`
	Storage               Storage                     `json:"storage"`
	WALStorage            *Storage                    `json:"walStorage"`
	Managed               *Managed                    `json:"managed"`
	Plugins               []Plugin                    `json:"plugins"`
	ExternalClusters      []ExternalCluster           `json:"externalClusters"`
}

// Plugin is an extension of the operator.
type Plugin struct {
	Name          string            `json:"name"`
	IsWALArchiver bool              `json:"isWALArchiver"`
	Parameters    map[string]string `json:"parameters"`
}

// ExternalCluster is where a recovery reads from.
type ExternalCluster struct {
	Name   string `json:"name"`
	Plugin Plugin `json:"plugin"`
}

// Managed is what the operator keeps inside the database.
type Managed struct {
	Roles []Role `json:"roles"`
}

// Role is a role of the database.
type Role struct {
	Name           string         `json:"name"`
	Login          bool           `json:"login"`
	PasswordSecret PasswordSecret `json:"passwordSecret"`
}

// PasswordSecret names the Secret with a role's password.
type PasswordSecret struct {
	Name string `json:"name"`
}

// InheritedMetadata is copied to the pods.
type InheritedMetadata struct {
	Labels map[string]string `json:"labels"`
}

// Bootstrap creates the database: a new one, or one of a backup.
type Bootstrap struct {
	InitDB   *InitDB   `json:"initdb"`
	Recovery *Recovery `json:"recovery"`
}

// Database is the name of the database.
func (bootstrap Bootstrap) Database() string {
	switch {
	case bootstrap.InitDB != nil:
		return bootstrap.InitDB.Database
	case bootstrap.Recovery != nil:
		return bootstrap.Recovery.Database
	}
	return ""
}

// Recovery makes the database of a backup.
type Recovery struct {
	Source         string          `json:"source"`
	Database       string          `json:"database"`
	Owner          string          `json:"owner"`
	RecoveryTarget *RecoveryTarget `json:"recoveryTarget"`
}

// RecoveryTarget is the moment up to which the log is read.
type RecoveryTarget struct {
	TargetTime string `json:"targetTime"`
}

// InitDB describes the new database.
type InitDB struct {
	Database      string `json:"database"`
	Owner         string `json:"owner"`
	Encoding      string `json:"encoding"`
	LocaleCollate string `json:"localeCollate"`
	LocaleCType   string `json:"localeCType"`
	// PostInitApplicationSQL runs once in the new database.
	PostInitApplicationSQL []string `json:"postInitApplicationSQL"`
}

// PostgreSQL is the configuration of the server.
type PostgreSQL struct {
	Parameters  map[string]string `json:"parameters"`
	Synchronous *Synchronous      `json:"synchronous"`
}

// Synchronous is synchronous replication.
type Synchronous struct {
	Method         string `json:"method"`
	Number         int    `json:"number"`
	DataDurability string `json:"dataDurability"`
}

// Affinity spreads the instances.
type Affinity struct {
	EnablePodAntiAffinity *bool  `json:"enablePodAntiAffinity"`
	TopologyKey           string `json:"topologyKey"`
	PodAntiAffinityType   string `json:"podAntiAffinityType"`
}

// Storage is a volume.
type Storage struct {
	Size         string  `json:"size"`
	StorageClass *string `json:"storageClass"`
}
