// Runs a program and prints what it took: "WALL_US CPU_US PEAK_KIB READ WRITTEN STATUS", READ and WRITTEN in
// bytes that went through the block layer. A process of its own, since peak memory counts what exec()
// replaced.
#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

extern char** environ;

namespace {

struct Traffic {
  unsigned long long read = 0;
  unsigned long long written = 0;
};

/// Of a process that has ended and was not waited for yet.
Traffic traffic_of(pid_t pid) {
  Traffic traffic;
  std::ifstream file("/proc/" + std::to_string(pid) + "/io");
  for (std::string key; file >> key;) {
    unsigned long long value = 0;
    file >> value;
    if (key == "read_bytes:") traffic.read = value;
    if (key == "write_bytes:") traffic.written = value;
  }
  return traffic;
}

long long microseconds(const timeval& time) {
  return time.tv_sec * 1000000LL + time.tv_usec;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "measure: OUTPUT PROGRAM [ARGUMENT]...\n");
    return 2;
  }
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, argv[1], O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);

  const auto start = std::chrono::steady_clock::now();
  pid_t pid = 0;
  if (posix_spawnp(&pid, argv[2], &files, nullptr, argv + 2, environ) != 0) {
    std::perror(argv[2]);
    return 2;
  }
  siginfo_t info{};
  waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT);
  const auto wall = std::chrono::steady_clock::now() - start;
  const Traffic traffic = traffic_of(pid);
  int status = 0;
  rusage usage{};
  wait4(pid, &status, 0, &usage);
  std::printf("%lld %lld %ld %llu %llu %d\n",
              static_cast<long long>(std::chrono::duration_cast<std::chrono::microseconds>(wall).count()),
              microseconds(usage.ru_utime) + microseconds(usage.ru_stime), usage.ru_maxrss, traffic.read,
              traffic.written, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
  return 0;
}
