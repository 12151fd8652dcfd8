// Package definitions names what controller-gen reads, so that the module requires it.
package definitions

import (
	_ "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
)
