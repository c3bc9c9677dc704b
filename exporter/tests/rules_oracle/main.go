// Writes down what Go makes of random patterns, numbers and quoted texts, since Go's own packages define them in the
// rule language: `go run main.go > ../data/rules_go.ndjson`. The unit tests of `rules` read it and need no Go.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

var texts = []string{"", "a", "ab", "aab", "é", "ABC", "a1 b2", "[x]", "-", "a\nb", "λ", "&", "A", "\x01", "{,2}", "/|\"_"}

var patterns = []string{
	"a", "b", "é", ".", "^", "$", "*", "+", "?", "??", "*?", "{2}", "{2,}", "{1,2}", "{,2}", "{1001}", "(", ")", "(?:",
	"(?i)", "(?P<n>", "(?<n>", "(?s)", "(?U)", "(?x)", "|", "[", "]", "[^", "-", "\\d", "\\W", "\\s", "\\b", "\\B", "\\A",
	"\\z", "\\Z", "\\C", "\\pL", "\\PN", "\\p{Greek}", "\\p{^Greek}", "\\p{Nope}", "\\Q", "\\E", "\\x41", "\\x{e9}",
	"\\101", "\\0", "\\1", "\\/", "\\|", "\\\"", "\\_", "\\é", "\\ ", "[:alpha:]", "[:^digit:]", "[:nope:]", "&&", "~",
	"}", "{", "#", " ", "\\n", "\\v", "A-z", "0-9", "z-a",
}

var numbers = []string{"0", "1", "7", "8", "9", "0x", "0X", "0b", "0o", "a", "f", "F", "+", "-", "9223372036854775807", "18446744073709551615", "18446744073709551616"}

var quoted = []string{
	"a", "é", " ", "\\n", "\\\\", "\\\"", "\\'", "\\q", "\\x41", "\\xff", "\\xe9", "\\u00e9", "\\u12", "\\ud800",
	"\\U0001F600", "\\101", "\\400", "\\8", "\\", "10.0.0.1", "10.0.0", ".7", "/8", "/33", "/08", "::", "1", ":", "fe80", "ffff",
	"::ffff:10.0.0.1", "/120", "01:23:45:67:89:ab", "01:23:45", ":AB", ":cd:ef", "-", "%eth0", "010.1.1.1", "\n",
}

// Go repeats what stands before the flags; hoptap refuses it.
var acrossFlags = regexp.MustCompile(`\(\?[a-zA-Z]*\)([*+?]|\{\d)`)

// The lexer ends a text at this quote.
var closed = regexp.MustCompile(`^([^\\"]|\\.)*"`)

func pick(r *rand.Rand, words []string, most int) string {
	out := ""
	for count := r.Intn(most) + 1; count > 0; count-- {
		out += words[r.Intn(len(words))]
	}
	return out
}

func pattern(source string) string {
	re, err := regexp.Compile(source)
	if err != nil {
		return "refused"
	}
	out := ""
	for _, text := range texts {
		out += map[bool]string{true: "1", false: "0"}[re.MatchString(text)]
	}
	return out
}

func number(source string) string {
	if n, err := strconv.ParseInt(source, 0, 64); err == nil {
		return strconv.FormatInt(n, 10)
	}
	if n, err := strconv.ParseUint(source, 0, 64); err == nil {
		return strconv.FormatUint(n, 10)
	}
	return "refused"
}

func text(source string) string {
	text, err := strconv.Unquote(`"` + source + `"`)
	if err != nil {
		return "refused"
	}
	if ip := net.ParseIP(text); ip != nil {
		return "an address " + ip.String()
	}
	if _, cidr, err := net.ParseCIDR(text); err == nil {
		return "a range of addresses " + cidr.String()
	}
	if colons := strings.Count(text, ":"); colons == 5 || colons == 7 {
		if mac, err := net.ParseMAC(text); err == nil {
			return "a hardware address " + mac.String()
		}
	}
	if !utf8.ValidString(text) {
		parts := make([]string, len(text))
		for i := range len(text) {
			parts[i] = fmt.Sprintf("%02x", text[i])
		}
		return "bytes [" + strings.Join(parts, ", ") + "]"
	}
	return "text " + text
}

func main() {
	r := rand.New(rand.NewSource(11))
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	seen := map[string]bool{}
	write := func(kind, source string, expected string) {
		if seen[kind+source] {
			return
		}
		seen[kind+source] = true
		line, _ := json.Marshal([]string{kind, source, expected})
		fmt.Fprintln(out, string(line))
	}
	count := 900
	if len(os.Args) > 1 {
		count, _ = strconv.Atoi(os.Args[1])
	}
	for range count {
		source := pick(r, patterns, 5)
		if !acrossFlags.MatchString(source) {
			write("pattern", source, pattern(source))
		}
	}
	for range count / 6 {
		source := pick(r, numbers, 3)
		write("number", source, number(source))
	}
	for range count / 3 {
		source := pick(r, quoted, 4)
		if !closed.MatchString(source) {
			write("text", source, text(source))
		}
	}
}
