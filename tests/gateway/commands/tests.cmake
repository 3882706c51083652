unit_tests(gateway/commands
  check_command_test.cpp
  expiry_test.cpp
  http_client_test.cpp
  key_check_test.cpp
  key_command_test.cpp
  key_reference_test.cpp
  key_rotate_test.cpp
  live_log_test.cpp
  log_command_test.cpp
  status_command_test.cpp
  tenant_commands_test.cpp
  token_command_test.cpp)
target_link_libraries(commands_test PRIVATE test_support)
add_dependencies(commands_test odd_token)  # ../../envelope
target_compile_definitions(commands_test PRIVATE ODD_TOKEN="$<TARGET_FILE:odd_token>")
