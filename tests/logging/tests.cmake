unit_tests(logging sync_watch.cpp record_test.cpp format_test.cpp storage_test.cpp writer_lock_test.cpp segment_writer_test.cpp frame_walker_test.cpp sealed_log_test.cpp
  log_lane_test.cpp overload_test.cpp signed_note_test.cpp checkpoint_test.cpp checkpoint_command_test.cpp second_place_test.cpp
  checkpoint_attack_test.cpp retention_test.cpp rewrap_test.cpp rotation_test.cpp tenants_test.cpp erase_test.cpp
  tamper_test.cpp live_log_test.cpp hostile_directory_test.cpp crash_test.cpp memory_test.cpp golden_test.cpp)
# As the gateway is run, or the loader itself leaves keys on the stack (SECURITY.md): memory_test.cpp finds them there.
set_tests_properties(logging PROPERTIES ENVIRONMENT LD_BIND_NOW=1)
