package local

import "os"

// Processes returns the process IDs of the running programs, by the name of their part.
func (s *Stack) Processes() map[string]int {
	found := map[string]int{}
	s.processes.Range(func(name, process any) bool {
		found[name.(string)] = process.(*os.Process).Pid
		return true
	})
	return found
}
