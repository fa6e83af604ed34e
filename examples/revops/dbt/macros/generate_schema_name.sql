{# A model lives in the schema that it names, `marts` and not `main_marts`: the tables of the loads are beside it. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
  {{ custom_schema_name or target.schema }}
{%- endmacro %}
