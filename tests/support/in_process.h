// Whole commands in this process, on disks in memory: no device-mapper, no keyring, no terminal.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/support/fixture_disk.h"
#include "tests/support/temp_dir.h"
#include "tools/session.h"

namespace cv::test {

class InProcess {
 public:
  InProcess();

  /// Runs a command ("cvcreate", ..., then its words; without options that choose devices or locks).
  /// `wrap` may put something between the command and its disks. Throws what ends the command.
  void run(const std::vector<Disk>& disks, std::vector<std::string> words, const Wrap& wrap);
  void run(const std::vector<Disk>& disks, std::vector<std::string> words);

  /// The path of a file that holds this secret.
  std::string key_file(const std::string& secret);

 private:
  TempDir room_;
};

}  // namespace cv::test
