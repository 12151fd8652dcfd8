package manifests

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// files requires that all gateways keep uploaded files in one place, which outlives each of them, and that files on their
// way have room.
func (overlay *Overlay) files() {
	const rule = "files"
	gateway, environment := overlay.gateway()
	place := environment["MADANG_FILES_URL"]
	if place == "" {
		return
	}
	if strings.Contains(place, "://") {
		for _, setting := range []string{"MADANG_FILES_ACCESS_KEY_ID_FILE", "MADANG_FILES_SECRET_ACCESS_KEY_FILE"} {
			if _, err := overlay.mounted(gateway, environment[setting]); err != nil {
				overlay.complain(rule, "%s: %v", setting, err)
			}
		}
	} else if volume := gateway.volumeAt(place); volume == nil || volume.PersistentVolumeClaim == nil {
		overlay.complain(rule, "%s are not on a volume that outlives a pod", place)
	} else {
		overlay.claim(rule, volume.PersistentVolumeClaim.ClaimName)
	}
	var needed int64 = 2
	for _, setting := range []string{"MADANG_FILE_MAX_BYTES", "MADANG_MAX_UPLOADS"} {
		number, err := overlay.Operations.Number(environment, setting)
		if err != nil {
			overlay.complain(rule, "%v", err)
		}
		needed *= int64(number)
	}
	spool := gateway.volumeAt(environment["MADANG_FILES_SPOOL_DIR"])
	if spool == nil || spool.EmptyDir == nil || spool.EmptyDir.SizeLimit == nil || spool.EmptyDir.SizeLimit.Value() < needed {
		overlay.complain(rule, "uploads may take %d bytes while they arrive, and have less room", needed)
	}
}

// keepsFilesInS3 says whether the gateways do.
func (overlay *Overlay) keepsFilesInS3() bool {
	_, environment := overlay.gateway()
	return strings.HasPrefix(environment["MADANG_FILES_URL"], "s3://")
}

// gateway is the workload of the gateways with its environment. Another rule complains where there is none.
func (overlay *Overlay) gateway() (Workload, map[string]string) {
	for _, workload := range overlay.Workloads() {
		if workload.Name == "madang-gateway" {
			environment, _ := overlay.Environment(workload.Template.Spec.Containers[0])
			return workload, environment
		}
	}
	return Workload{}, nil
}

// claim requires that a claim exists and, in production, can be mounted on several nodes.
func (overlay *Overlay) claim(rule, name string) {
	for _, claim := range overlay.VolumeClaims {
		if claim.Name != name {
			continue
		}
		if overlay.Production && !slices.Contains(claim.Spec.AccessModes, corev1.ReadWriteMany) {
			overlay.complain(rule, "the volume %s can be mounted on one node", name)
		}
		return
	}
	overlay.complain(rule, "the claim %s is not there", name)
}

// volumeAt is the volume that the first container mounts at a path.
func (workload Workload) volumeAt(path string) *corev1.Volume {
	pod := workload.Template.Spec
	for _, mount := range pod.Containers[0].VolumeMounts {
		if mount.MountPath != path {
			continue
		}
		for i := range pod.Volumes {
			if pod.Volumes[i].Name == mount.Name {
				return &pod.Volumes[i]
			}
		}
	}
	return nil
}
