unit_tests(gateway
  check_command_test.cpp
  config_text_test.cpp
  examples_test.cpp
  expiry_test.cpp
  https_client_test.cpp
  key_command_test.cpp
  key_reference_test.cpp
  load_config_test.cpp
  log_command_test.cpp
  metrics_test.cpp
  operator_log_test.cpp
  relay_test.cpp
  status_command_test.cpp
  text_file_test.cpp
  token_command_test.cpp
  yaml_tree_test.cpp)
target_link_libraries(gateway_test PRIVATE test_support)
