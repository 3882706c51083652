// The two forms of a second place for checkpoints: a directory and a program.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "logging/file_fault.hpp"
#include "logging/second_place.hpp"

namespace sallyport::logging {

// Appends to the segment's file of checkpoints, and syncs it. Where nobody may write that any more they go into the
// newest segment's, so that one file holds up the others no longer than until the next begins. `fault` says why the
// last try failed, and while none has which file it is at, for a disk that hangs there.
SecondPlace::Keep keep_in_directory(std::filesystem::path directory, std::shared_ptr<LastFault> fault);

// Starts the program for each, without a shell, the note on its standard input: at most PIPE_BUF bytes. It is killed at
// the deadline.
SecondPlace::Keep keep_by_command(std::vector<std::string> words);

}  // namespace sallyport::logging
