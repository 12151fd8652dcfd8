// build prints an overlay, as `kustomize build` does: go run ./cmd/build k8s/overlays/dev
package main

import (
	"fmt"
	"log"
	"os"

	manifests "madang/tests/kubernetes"
)

func main() {
	for _, directory := range os.Args[1:] {
		text, err := manifests.Build(directory)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Print(text)
	}
}
