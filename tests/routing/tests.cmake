unit_tests(routing json_scanner_test.cpp model_call_test.cpp)
