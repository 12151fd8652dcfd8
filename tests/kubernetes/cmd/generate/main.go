// generate writes the generated manifests: the network policies and the alerts for the Prometheus operator.
package main

import (
	"log"
	"os"
	"path/filepath"

	manifests "madang/tests/kubernetes"
)

func main() {
	edges, err := manifests.ReadEdges()
	if err != nil {
		log.Fatal(err)
	}
	for _, component := range edges.Components() {
		text, err := edges.PolicyText(component)
		if err != nil {
			log.Fatal(err)
		}
		write(manifests.PolicyFile(component), text)
	}
	text, err := manifests.AlertsText()
	if err != nil {
		log.Fatal(err)
	}
	write(manifests.AlertsResource, text)
}

func write(path, text string) {
	if err := os.WriteFile(filepath.Join(manifests.Root, path), []byte(text), 0o644); err != nil {
		log.Fatal(err)
	}
	log.Printf("wrote %s", path)
}
