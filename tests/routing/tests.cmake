unit_tests(routing
  json_scanner_test.cpp json_text_test.cpp model_call_test.cpp route_table_test.cpp upstream_pool_test.cpp
  usage_meter_test.cpp)
