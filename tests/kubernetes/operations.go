package manifests

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// Operations contains the settings of docs/operations.md. Another test compares those with the programs
// (services/madang/tests/documented_settings.rs).
type Operations struct {
	text     string
	defaults map[string]string
}

var settingRow = regexp.MustCompile("(?m)^\\| `(MADANG_[A-Z0-9_]+)` \\|([^|]*)\\|")

// ReadOperations reads it.
func ReadOperations() (*Operations, error) {
	text, err := os.ReadFile(filepath.Join(Root, "docs/operations.md"))
	if err != nil {
		return nil, err
	}
	operations := &Operations{text: string(text), defaults: map[string]string{}}
	for _, row := range settingRow.FindAllStringSubmatch(operations.text, -1) {
		operations.defaults[row[1]] = strings.TrimSpace(row[2])
	}
	return operations, nil
}

// Knows says whether a setting is documented: in a table, or as one of the standard variables of traces and of S3.
func (operations *Operations) Knows(setting string) bool {
	if strings.HasPrefix(setting, "OTEL_") || strings.HasPrefix(setting, "AWS_") {
		return strings.Contains(operations.text, "`"+setting+"`")
	}
	_, ok := operations.defaults[setting]
	return ok
}

// Number is the value of a numeric setting, from the environment of a process or from the documented default.
func (operations *Operations) Number(environment map[string]string, setting string) (int, error) {
	value, ok := environment[setting]
	if !ok {
		value, ok = operations.defaults[setting]
	}
	if !ok {
		return 0, fmt.Errorf("docs/operations.md has no row for %s", setting)
	}
	return strconv.Atoi(value)
}

// Sentence extracts the number from a sentence of docs/operations.md, such as `must exceed the spread by at least (\d+)
// s`.
func (operations *Operations) Sentence(pattern string) (int, error) {
	match := regexp.MustCompile(pattern).FindStringSubmatch(operations.text)
	if match == nil {
		return 0, fmt.Errorf("docs/operations.md no longer says %q", pattern)
	}
	return strconv.Atoi(match[1])
}
